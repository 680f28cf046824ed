using NativeSplit.Engine.Execution;
using NativeSplit.Kernels;
using NativeSplit.Kernels.Memory;
using NativeSplit.Kernels.Threading;
using NativeSplit.Model.Files;
using NativeSplit.Model.Weights;
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

    [Theory]
    [InlineData("llama256-q4_0", 18, 18)]
    [InlineData("llama256-q8_0", 34, 34)]
    [InlineData("llama256-q6_k", 210, 210)]
    [InlineData("llama256-q5_k", 176, 180)]
    [InlineData("llama256-q4_k", 144, 148)]
    public void Constructor_HoldsPackedWeightsOnce(string name, int storedBlockBytes, int packedBlockBytes)
    {
        string path = GoldenManifest.Default.Model(name).Path;
        var kernels = KernelSets.Fastest;
        using var file = ModelFile.Open(path);
        using var team = ThreadTeam.Create(2);
        var options = new CpuExecutorOptions { KvCapacityTokens = 64, MaxBatchRows = 1, Activations = ActivationPrecision.Float32 };
        long live, mapped, stored, buffers;
        using (var weights = file.Load(WeightSelection.LayersOnly(file.Shape.AllLayers)))
        {
            live = MemoryAccounting.LiveBytes;
            using var exact = new CpuLayerExecutor(file.Shape, weights, kernels, team, options);
            buffers = MemoryAccounting.LiveBytes - live;
            stored = weights.Layers.Sum(layer => layer.Matrices.Sum(m => m.ByteLength));
        }

        live = MemoryAccounting.LiveBytes;
        mapped = MemoryAccounting.MappedBytes;
        using (var weights = file.Load(WeightSelection.LayersOnly(file.Shape.AllLayers)))
        using (var fast = new CpuLayerExecutor(file.Shape, weights, kernels, team, options with { Activations = ActivationPrecision.Int8 }))
        {
            // One row of each input of a matrix besides, quantised.
            int quantized = Int8Rows.RowBytes(file.Shape.HiddenSize) + Int8Rows.RowBytes(file.Shape.QuerySize) + Int8Rows.RowBytes(file.Shape.FeedForwardSize);
            Assert.Equal(mapped, MemoryAccounting.MappedBytes);
            Assert.Equal(stored / storedBlockBytes * packedBlockBytes, MemoryAccounting.LiveBytes - live - buffers - quantized);
        }

        Assert.Equal(live, MemoryAccounting.LiveBytes);
    }
}
