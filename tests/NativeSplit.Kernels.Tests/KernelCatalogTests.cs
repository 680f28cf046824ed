namespace NativeSplit.Kernels.Tests;

/// <summary>Choice of a kernel set.</summary>
public sealed class KernelCatalogTests
{
    [Fact]
    public void All_ListsEverySetOnce_FastestFirst() =>
        Assert.Equal(["avx512", "avx2", "advsimd", "scalar"], KernelCatalog.All.Select(set => set.Name));

    [Theory]
    [InlineData(null, null)]
    [InlineData("", "")]
    [InlineData(" ", "  ")]
    public void Select_TakesTheFirstSupported_WhenNothingIsNamed(string? name, string? environment) =>
        Assert.Same(KernelCatalog.All.First(set => set.IsSupported), KernelCatalog.Select(name, environment));

    [Fact]
    public void Select_PrefersTheName_OverTheEnvironment()
    {
        Assert.Equal("scalar", KernelCatalog.Select("SCALAR", "nonsense").Name);
        Assert.Equal("scalar", KernelCatalog.Select(null, " scalar ").Name);
    }

    [Fact]
    public void Select_NamesWhatThereIs_WhenTheNameIsUnknown()
    {
        KernelException error = Assert.Throws<KernelException>(() => KernelCatalog.Select("sse2", null));
        Assert.Equal(KernelFault.UnknownKernels, error.Fault);
        Assert.Contains("'sse2'", error.Message, StringComparison.Ordinal);
        Assert.Contains("avx512, avx2, advsimd, scalar", error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain(KernelCatalog.EnvironmentVariable, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Select_NamesTheVariable_WhenItsValueIsUnknown()
    {
        KernelException error = Assert.Throws<KernelException>(() => KernelCatalog.Select(null, "fast"));
        Assert.Equal(KernelFault.UnknownKernels, error.Fault);
        Assert.Contains("'fast' (from NATIVESPLIT_KERNELS)", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Select_Refuses_ASetThisProcessorCannotRun()
    {
        KernelSet? unsupported = KernelCatalog.All.FirstOrDefault(set => !set.IsSupported);
        Assert.SkipWhen(unsupported is null, "skipped: this processor supports every set");
        KernelException error = Assert.Throws<KernelException>(() => KernelCatalog.Select(unsupported.Name, null));
        Assert.Equal(KernelFault.UnsupportedKernels, error.Fault);
        Assert.EndsWith(
            $"this processor supports {string.Join(", ", KernelCatalog.All.Where(set => set.IsSupported).Select(set => set.Name))}.",
            error.Message,
            StringComparison.Ordinal);
    }
}
