using NativeSplit.Engine.Execution;
using NativeSplit.Kernels;
using NativeSplit.Kernels.Threading;
using NativeSplit.Model;
using NativeSplit.Model.Files;
using NativeSplit.Model.Weights;
using NativeSplit.Testing;

namespace NativeSplit.Engine.Tests.Execution;

public class CpuLayerExecutorTests
{
    [Theory]
    [InlineData("qwen3-f32", ActivationPrecision.Float32)]
    [InlineData("gemma2-f32", ActivationPrecision.Float32)]
    [InlineData("gpt2-f32", ActivationPrecision.Float32)]
    [InlineData("mixtral-f32", ActivationPrecision.Float32)]
    [InlineData("llama256-q4_k", ActivationPrecision.Float32)]
    [InlineData("llama256-q4_k", ActivationPrecision.Int8)]
    [InlineData("llama256-q6_k", ActivationPrecision.Int8)]
    public void Forward_GivesTheSameBits_OnAnyNumberOfThreadsAndPieceSize(string name, ActivationPrecision precision)
    {
        string path = GoldenManifest.Default.Model(name).Path;
        int[] tokens = GoldenManifest.Default.Sequences["s64"];
        float[] expected;
        using (var one = new LoadedModel(path, KernelSets.Fastest, precision: precision))
        {
            expected = one.Run(tokens);
        }

        foreach (var (threads, maxRows) in new[] { (2, 256), (3, 256), (5, 7), (8, 1), (40, 64) })
        {
            using var many = new LoadedModel(path, KernelSets.Fastest, threads, maxRows: maxRows, precision: precision);
            Assert.Equal(expected, many.Run(tokens));
        }
    }

    [Theory]
    [InlineData("qwen2-256-q4_k_m", 1, ActivationPrecision.Float32, KeyValueType.F32)]
    [InlineData("qwen2-256-q4_k_m", 2, ActivationPrecision.Float32, KeyValueType.F16)]
    [InlineData("qwen2-256-q4_k_m", 1, ActivationPrecision.Int8, KeyValueType.Q8_0)]
    [InlineData("qwen2-256-q4_k_m", 2, ActivationPrecision.Int8, KeyValueType.F32)]
    [InlineData("gemma2-f32", 1, ActivationPrecision.Int8, KeyValueType.F32)]
    [InlineData("gpt2-f32", 1, ActivationPrecision.Int8, KeyValueType.F16)]
    [InlineData("mixtral-f32", 1, ActivationPrecision.Int8, KeyValueType.F32)]
    public void Forward_AllocatesNothing_InPrefillAndDecode(string name, int threads, ActivationPrecision precision, KeyValueType kvType)
    {
        using var model = new LoadedModel(GoldenManifest.Default.Model(name).Path, KernelSets.Fastest, threads, cut: [2], precision: precision, kvType: kvType);
        int width = model.Shape.HiddenSize;
        SequenceRows[] batch = new SequenceRows[2];
        float[] hidden = new float[24 * width];
        int[] wanted = [7, 23];
        float[] logits = new float[2 * model.Shape.VocabularySize];
        var first = model.Reserve(200);
        var second = model.Reserve(200);
        int position = 0;
        Step(8, 16);
        Step(8, 16);
        Step(1, 1);

        // With one thread every part of every job runs here, so this counts them all.
        long before = GC.GetAllocatedBytesForCurrentThread();
        Step(8, 16);
        for (int i = 0; i < 20; i++)
        {
            Step(1, 1);
        }

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);

        void Step(int a, int b)
        {
            // The first sequence has taken other pieces than the second, so each keeps its own position.
            var length = model.Executors[0].Cache.LengthOf(first)!.Value;
            batch[0] = new SequenceRows(first, length, a);
            batch[1] = new SequenceRows(second, position, b);
            position += b;
            model.Forward(batch, hidden.AsSpan(0, (a + b) * width));
            wanted[0] = a - 1;
            wanted[1] = a + b - 1;
            model.Head.ComputeLogits(hidden.AsSpan(0, (a + b) * width), wanted, logits);
        }
    }

    [Fact]
    public void Backend_NamesTheKernelsThatRun()
    {
        using var model = new LoadedModel(GoldenManifest.Default.Model("llama-untied-f32").Path, KernelSets.Emulated("scalar"), cut: [1]);
        Assert.Equal("cpu/scalar", model.Executors[0].Backend);
        Assert.Equal(new LayerRange(1, 4), model.Executors[1].Range);
    }

    [Fact]
    public void Constructor_Refuses_WhenTheShapeIsOfAnotherModel()
    {
        using var file = ModelFile.Open(GoldenManifest.Default.Model("llama-untied-f32").Path);
        using var weights = file.Load(WeightSelection.LayersOnly(file.Shape.AllLayers));
        using var team = ThreadTeam.Create(1);
        var options = new CpuExecutorOptions { KvCapacityTokens = 64 };
        var shape = file.Shape;
        var error = AssertRefused(shape with { FeedForwardSize = 161 });
        Assert.Contains("Gate of layer 0 has shape [160, 96], expected [161, 96]", error.Message, StringComparison.Ordinal);
        AssertRefused(shape with { HiddenSize = 95 });
        AssertRefused(shape with { LayerCount = 3 });
        AssertRefused(shape with { KeyValueHeadCount = 4 });
        AssertRefused(shape with { Rope = shape.Rope with { Dimensions = 18 } });
        AssertRefused(shape with { Rope = shape.Rope with { Dimensions = 15 } });
        AssertRefused(shape with { Rope = shape.Rope with { FrequencyDivisors = [1f, 1f] } });

        ArgumentException AssertRefused(ModelShape wrong) =>
            Assert.ThrowsAny<ArgumentException>(() => new CpuLayerExecutor(wrong, weights, KernelSets.Fastest, team, options));
    }
}
