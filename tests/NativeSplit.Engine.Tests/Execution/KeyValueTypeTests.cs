using NativeSplit.Kernels;
using NativeSplit.Testing;

namespace NativeSplit.Engine.Tests.Execution;

/// <summary>What a rounded KV cache loses, and that it keeps every promise about bits.</summary>
public class KeyValueTypeTests
{
    public static TheoryData<string, KeyValueType, double> Cases
    {
        get
        {
            var cases = new TheoryData<string, KeyValueType, double>();
            foreach (string name in (string[])["llama-plain-f32", "llama-untied-f32", "qwen2-f32", "qwen3-f32", "gemma2-f32", "phi3-f32", "gpt2-f32"])
            {
                // Keys and values are off by 2⁻¹² of themselves at most, or by max/127/√12 ≈ 0.005 of a Gaussian's deviation. Keys
                // count through the exponentials of scores that spread over some units, so every layer adds about twice that:
                // eight times over four. A mixture of experts isn't among these: a rounded input can choose another expert.
                cases.Add(name, KeyValueType.F16, 8 * Math.ScaleB(1, -12));
                cases.Add(name, KeyValueType.Q8_0, 8 * 0.005);
            }

            return cases;
        }
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Logits_LoseNoMoreThanTheTypesRounding(string name, KeyValueType type, double bound)
    {
        string path = GoldenManifest.Default.Model(name).Path;
        int[] tokens = GoldenManifest.Default.Sequences["s64"];
        using var exact = new LoadedModel(path, KernelSets.Fastest);
        using var rounded = new LoadedModel(path, KernelSets.Fastest, kvType: type);
        float[] expected = exact.Run(tokens);
        float[] actual = rounded.Run(tokens);
        double relativeRms = Comparison.RelativeRms(actual, expected);
        double agree = Agreement(actual, expected, exact.Shape.VocabularySize);
        TestContext.Current.TestOutputHelper?.WriteLine($"{name} {type}: rel_rms {relativeRms:g3}, argmax equal {agree:p1}");
        Assert.True(relativeRms > 0 && relativeRms <= bound, $"rel_rms {relativeRms:g3}");
    }

    [Theory]
    [InlineData(KeyValueType.F16, 10)]
    [InlineData(KeyValueType.Q8_0, 9)]
    public void Continue_GivesTheReferenceTexts_WithTheShippedModel(KeyValueType type, int texts)
    {
        using var exact = new LoadedModel(RoadsideGolden.HuggingFaceDirectory, KernelSets.Fastest, threads: 2);
        using var rounded = new LoadedModel(RoadsideGolden.HuggingFaceDirectory, KernelSets.Fastest, threads: 2, kvType: type);
        int equal = 0;
        double worst = 0;
        foreach (var entry in RoadsideGolden.Cases)
        {
            int length = entry.EndIndex + 1 ?? entry.ContinuationIds.Length;
            equal += rounded.Continue(entry.PromptIds, length).AsSpan().SequenceEqual(entry.ContinuationIds.AsSpan(0, length)) ? 1 : 0;
            int[] text = [.. entry.PromptIds, .. entry.ContinuationIds[..length]];
            worst = Math.Max(worst, Comparison.RelativeRms(rounded.Run(text), exact.Run(text)));
        }

        TestContext.Current.TestOutputHelper?.WriteLine($"{type}: {equal} of {RoadsideGolden.Cases.Count} texts, rel_rms at most {worst:g3}");
        Assert.True(equal >= texts, $"{equal} of {RoadsideGolden.Cases.Count} texts are equal");
    }

    [Theory]
    [InlineData(KeyValueType.F16)]
    [InlineData(KeyValueType.Q8_0)]
    public void Logits_AreTheSameBits_TokenByTokenInAnyCutAndOnAnyThreads(KeyValueType type)
    {
        string path = GoldenManifest.Default.Model("gemma2-f32").Path;
        int[] tokens = GoldenManifest.Default.Sequences["s64"];
        using var whole = new LoadedModel(path, KernelSets.Fastest, kvType: type);
        float[] expected = whole.Run(tokens);
        Assert.Equal(expected, whole.Run(tokens, piece: 1));
        Assert.Equal(expected, whole.Run(tokens, piece: 11));
        using var parts = new LoadedModel(path, KernelSets.Fastest, threads: 3, cut: [1, 3], maxRows: 24, kvType: type);
        Assert.Equal(expected, parts.Run(tokens));
    }

    [Theory]
    [InlineData(KeyValueType.F32, 1024 * 2 * 2 * 16 * 4)]
    [InlineData(KeyValueType.F16, 1024 * 2 * 2 * 16 * 2)]
    [InlineData(KeyValueType.Q8_0, 1024 * 2 * 2 * (16 + 2))]
    public void Cache_TakesTheBytesOfItsType(KeyValueType type, int bytesPerLayer)
    {
        using var model = new LoadedModel(GoldenManifest.Default.Model("llama-untied-f32").Path, KernelSets.Fastest, kvType: type);
        Assert.Equal(4L * bytesPerLayer, model.Executors[0].Cache.ByteLength);
    }

    private static double Agreement(ReadOnlySpan<float> actual, ReadOnlySpan<float> expected, int width)
    {
        int rows = expected.Length / width;
        int equal = 0;
        for (int row = 0; row < rows; row++)
        {
            equal += IndexOfMaximum(actual.Slice(row * width, width)) == IndexOfMaximum(expected.Slice(row * width, width)) ? 1 : 0;
        }

        return (double)equal / rows;
    }

    private static int IndexOfMaximum(ReadOnlySpan<float> row) => row.IndexOf(row.ToArray().Max());
}
