using NativeSplit.Kernels.AdvSimd;
using NativeSplit.Kernels.Avx2;
using NativeSplit.Kernels.Avx512;
using NativeSplit.Kernels.Scalar;

namespace NativeSplit.Kernels;

/// <summary>The kernel sets there are, and the choice among them.</summary>
public static class KernelCatalog
{
    /// <summary>Environment variable that forces a set by name.</summary>
    public const string EnvironmentVariable = "NATIVESPLIT_KERNELS";

    /// <summary>All sets in order of preference, supported here or not.</summary>
    public static IReadOnlyList<KernelSet> All { get; } = [new Avx512Kernels(), new Avx2Kernels(), new AdvSimdKernels(), new ScalarKernels()];

    /// <summary>The set that <see cref="EnvironmentVariable"/> names, else the first that this processor supports.</summary>
    /// <exception cref="KernelException">As <see cref="Select(string?)"/>.</exception>
    public static KernelSet Default => Select(name: null);

    /// <summary>Chooses a set.</summary>
    /// <param name="name">
    /// Its name, in any case; null or empty leaves the choice to <see cref="EnvironmentVariable"/>, and without that takes the
    /// first set that this processor supports.
    /// </param>
    /// <exception cref="KernelException">
    /// <see cref="KernelFault.UnknownKernels"/>: no set has the name; <see cref="KernelFault.UnsupportedKernels"/>: this
    /// processor can't run it.
    /// </exception>
    public static KernelSet Select(string? name) => Select(name, Environment.GetEnvironmentVariable(EnvironmentVariable));

    /// <summary>As <see cref="Select(string?)"/>, with the value of the environment variable.</summary>
    internal static KernelSet Select(string? name, string? environment)
    {
        bool fromEnvironment = string.IsNullOrWhiteSpace(name);
        string? wanted = (fromEnvironment ? environment : name)?.Trim();
        foreach (KernelSet set in All)
        {
            if (string.IsNullOrEmpty(wanted) ? set.IsSupported : string.Equals(set.Name, wanted, StringComparison.OrdinalIgnoreCase))
            {
                return set.IsSupported ? set : throw Refusal(KernelFault.UnsupportedKernels, "can't run on this processor");
            }
        }

        throw Refusal(KernelFault.UnknownKernels, "don't exist");

        KernelException Refusal(KernelFault fault, string what) => new(
            fault,
            $"Kernels '{wanted}'{(fromEnvironment ? $" (from {EnvironmentVariable})" : "")} {what}. "
            + $"There are {Names(All)}; this processor supports {Names(All.Where(set => set.IsSupported))}.");
    }

    private static string Names(IEnumerable<KernelSet> sets) => string.Join(", ", sets.Select(set => set.Name));
}
