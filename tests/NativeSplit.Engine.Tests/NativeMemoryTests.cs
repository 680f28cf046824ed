using NativeSplit.Kernels.Memory;
using NativeSplit.Testing;

namespace NativeSplit.Engine.Tests;

[CollectionDefinition(nameof(NativeMemoryTests), DisableParallelization = true)]
public class NativeMemoryCollection;

/// <summary>Runs alone, since it counts the whole process's native memory.</summary>
[Collection(nameof(NativeMemoryTests))]
public class NativeMemoryTests
{
    [Fact]
    public void Dispose_GivesAllNativeMemoryBack()
    {
        long live = MemoryAccounting.LiveBytes;
        long mapped = MemoryAccounting.MappedBytes;
        using (var model = new LoadedModel(GoldenManifest.Default.Model("qwen3-f32").Path, KernelSets.Fastest, threads: 2, cut: [1, 3]))
        {
            Assert.True(MemoryAccounting.LiveBytes >= live + (1024 * 4 * model.Shape.KeyValueBytesPerTokenPerLayer));
            model.Run(GoldenManifest.Default.Sequences["s17"]);
        }

        Assert.Equal(live, MemoryAccounting.LiveBytes);
        Assert.Equal(mapped, MemoryAccounting.MappedBytes);
    }
}
