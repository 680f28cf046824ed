using NativeSplit.Engine.Execution;
using NativeSplit.Testing;

namespace NativeSplit.Engine.Tests.Execution;

/// <summary>Every golden model of a supported architecture against llama.cpp's logits, every position, for each kernel set.</summary>
public class GoldenLogitsTests
{
    public static TheoryData<string, string> Cases
    {
        get
        {
            var cases = new TheoryData<string, string>();
            foreach (var model in GoldenManifest.Default.Models)
            {
                cases.Add(model.Name, "scalar");
                cases.Add(model.Name, "avx2");
                cases.Add(model.Name, "avx512");
            }

            return cases;
        }
    }

    public static TheoryData<string> Models => [.. GoldenManifest.Default.Models.Select(model => model.Name)];

    public static TheoryData<string> ModelsWithLayers =>
        [.. GoldenManifest.Default.Models.Where(model => model.References["llamacpp"].Any(s => s.LayersPath is not null)).Select(model => model.Name)];

    [Theory]
    [MemberData(nameof(Cases))]
    public void Logits_AreWithinTheTolerance_AtEveryPosition(string name, string kernels)
    {
        var golden = GoldenManifest.Default.Model(name);
        using var model = new LoadedModel(golden.Path, KernelSets.OrSkip(kernels));
        AssertWithinTolerance(golden, model, piece: int.MaxValue);
    }

    [Theory]
    [InlineData("llama-ropefreqs-f32")]
    [InlineData("qwen3-256-q4_k_m")]
    public void Logits_AreWithinTheTolerance_WithEmulatedAvx512(string name)
    {
        var golden = GoldenManifest.Default.Model(name);
        using var model = new LoadedModel(golden.Path, KernelSets.Emulated("avx512"));
        AssertWithinTolerance(golden, model, piece: int.MaxValue);
    }

    [Theory]
    [MemberData(nameof(Models))]
    public void Logits_AreTheSameBits_TokenByTokenAndInAnyCut(string name)
    {
        var golden = GoldenManifest.Default.Model(name);
        int[] tokens = GoldenManifest.Default.Sequences["s64"];
        using var whole = new LoadedModel(golden.Path, KernelSets.Fastest);
        float[] expected = whole.Run(tokens);
        Assert.Equal(expected, whole.Run(tokens, piece: 1));
        foreach (int[] cut in Cuts(whole.Shape.LayerCount))
        {
            using var parts = new LoadedModel(golden.Path, KernelSets.Fastest, cut: cut);
            Assert.Equal(expected, parts.Run(tokens));
        }
    }

    [Theory]
    [MemberData(nameof(ModelsWithLayers))]
    public void Forward_GivesTheResidualStreamOfEveryLayer(string name)
    {
        var golden = GoldenManifest.Default.Model(name);
        var sequence = golden.References["llamacpp"].Single(s => s.LayersPath is not null);
        float[] expected = GoldenSequence.ReadFloats(sequence.LayersPath!, sequence.LayersShape);
        int[] tokens = GoldenManifest.Default.Sequences[sequence.Name];
        using var model = new LoadedModel(golden.Path, KernelSets.Fastest, cut: [.. Enumerable.Range(1, sequence.LayersShape[0] - 1)]);
        var id = model.Reserve(tokens.Length);
        float[] hidden = model.Embed(tokens);
        for (int layer = 0; layer < model.Executors.Length; layer++)
        {
            model.Executors[layer].Forward([new SequenceRows(id, 0, tokens.Length)], hidden);
            var reference = expected.AsSpan(layer * hidden.Length, hidden.Length);

            // As for logits: relative to the largest element. llama.cpp takes GELU from a table, so its models have a wider tolerance.
            double tolerance = Math.Max(1e-4, golden.Tolerances["rel_max_vs_llamacpp"]);
            Assert.True(Comparison.MaxDifference(hidden, reference) <= tolerance * Comparison.Largest(reference), $"layer {layer}");
        }
    }

    [Theory]
    [MemberData(nameof(Models))]
    public void Continue_GivesTheGreedyTokens_WhereTheMarginIsClear(string name)
    {
        var golden = GoldenManifest.Default.Model(name);
        var sequences = golden.References[golden.Float32Reference];
        double tolerance = golden.Tolerances[$"rel_max_vs_{golden.Float32Reference}"] * sequences.Max(s => (double)Comparison.Largest(Read(s)));
        using var model = new LoadedModel(golden.Path, KernelSets.Fastest);
        foreach (var sequence in sequences)
        {
            int clear = Array.FindIndex(sequence.GreedyMargins, margin => margin < 2 * tolerance);
            int count = clear < 0 ? sequence.Greedy.Length : clear;
            Assert.True(count > 0);
            Assert.Equal(sequence.Greedy[..count], model.Continue(GoldenManifest.Default.Sequences[sequence.Name], count));
        }
    }

    private static void AssertWithinTolerance(GoldenModel golden, LoadedModel model, int piece)
    {
        var actual = GoldenManifest.Default.Sequences.ToDictionary(entry => entry.Key, entry => model.Run(entry.Value, piece));
        foreach (var (reference, sequences) in golden.References)
        {
            // As the manifest defines them: over the three sequences together.
            float[] expected = [.. sequences.SelectMany(Read)];
            float[] got = [.. sequences.SelectMany(sequence => actual[sequence.Name])];
            double relativeMax = Comparison.MaxDifference(got, expected) / Comparison.Largest(expected);
            Assert.True(relativeMax <= golden.Tolerances[$"rel_max_vs_{reference}"], $"{reference}: rel_max {relativeMax:g3}");
            if (golden.Tolerances.TryGetValue($"rel_rms_vs_{reference}", out double limit))
            {
                double relativeRms = Comparison.RelativeRms(got, expected);
                Assert.True(relativeRms <= limit, $"{reference}: rel_rms {relativeRms:g3}");
            }
        }
    }

    private static float[] Read(GoldenSequence sequence) => GoldenSequence.ReadFloats(sequence.LogitsPath, sequence.LogitsShape);

    private static IEnumerable<int[]> Cuts(int layers)
    {
        yield return [layers / 2];
        yield return layers > 2 ? [1, 3] : [1, 1];
    }
}
