using NativeSplit.Kernels;

namespace NativeSplit.Engine.Tests;

/// <summary>Kernel sets for tests that run once per set.</summary>
internal static class KernelSets
{
    /// <summary>The fastest set here; for tests that don't ask about kernels.</summary>
    public static KernelSet Fastest => KernelCatalog.All.First(set => set.IsSupported);

    /// <summary>A set by name; skips the test on a processor without it.</summary>
    public static KernelSet OrSkip(string name)
    {
        var set = KernelCatalog.All.Single(candidate => candidate.Name == name);
        Assert.SkipUnless(set.IsSupported, $"skipped: no {name} on this processor");
        return set;
    }

    /// <summary>A set by name, emulated where the processor hasn't got it: slow, with the same results.</summary>
    public static KernelSet Emulated(string name) => KernelCatalog.All.Single(candidate => candidate.Name == name);
}
