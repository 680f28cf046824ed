using NativeSplit.Engine.Tests;
using NativeSplit.Kernels.Ilgpu.Tests;
using NativeSplit.Testing;

namespace NativeSplit.Engine.Ilgpu.Tests;

/// <summary>Golden models against llama.cpp's logits at every position, with the tolerances that the CPU executor has in float32.</summary>
public class GoldenLogitsTests
{
    private static readonly string[] Names =
    [
        "llama-ropefreqs-f32", "llama-untied-f16", "llama-untied-bf16", "llama256-q4_0", "llama256-q8_0", "llama256-q4_k", "llama256-q6_k",
        "qwen2-256-q4_k_m", "qwen3-256-q4_k_m",
    ];

    public static TheoryData<string, string> Cases
    {
        get
        {
            var cases = new TheoryData<string, string>();
            foreach (string device in (string[])["opencl", "cuda"])
            {
                foreach (string name in Names)
                {
                    cases.Add(device, name);
                }
            }

            return cases;
        }
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Logits_AreWithinTheTolerance_AtEveryPosition(string device, string name)
    {
        var golden = GoldenManifest.Default.Model(name);
        using var model = new DeviceModel(golden.Path, TestDevices.OrSkip(device));
        var actual = GoldenManifest.Default.Sequences.ToDictionary(entry => entry.Key, entry => model.Run(entry.Value));
        foreach (var (reference, sequences) in golden.References)
        {
            float[] expected = [.. sequences.SelectMany(sequence => GoldenSequence.ReadFloats(sequence.LogitsPath, sequence.LogitsShape))];
            float[] got = [.. sequences.SelectMany(sequence => actual[sequence.Name])];
            double relativeMax = Comparison.MaxDifference(got, expected) / Comparison.Largest(expected);
            Assert.True(relativeMax <= golden.Tolerances[$"rel_max_vs_{reference}"], $"{reference}: rel_max {relativeMax:g3}");
            if (golden.Tolerances.TryGetValue($"rel_rms_vs_{reference}", out double limit))
            {
                Assert.True(Comparison.RelativeRms(got, expected) <= limit, $"{reference}: rel_rms {Comparison.RelativeRms(got, expected):g3}");
            }
        }
    }

    [Theory]
    [InlineData("opencl")]
    [InlineData("cuda")]
    public void Logits_AreTheSameBits_TokenByTokenAndInAnyCut(string device)
    {
        string path = GoldenManifest.Default.Model("qwen3-256-q4_k_m").Path;
        int[] tokens = GoldenManifest.Default.Sequences["s64"];
        float[] expected;
        using (var whole = new DeviceModel(path, TestDevices.OrSkip(device)))
        {
            expected = whole.Run(tokens);
            Assert.Equal(expected, whole.Run(tokens, piece: 1));
        }

        using var parts = new DeviceModel(path, TestDevices.OrSkip(device), cut: [1, 3]);
        Assert.Equal(expected, parts.Run(tokens));
    }

    [Fact]
    public void Forward_GivesTheResidualStreamOfTheFirstLayer_OnTheEmulator()
    {
        // The emulator takes milliseconds per group, so one row of one layer: every kernel runs, and runs everywhere.
        var golden = GoldenManifest.Default.Model("llama-untied-f32");
        var sequence = golden.References["llamacpp"].Single(s => s.LayersPath is not null);
        using var model = new DeviceModel(golden.Path, TestDevices.OrSkip("emulator"), capacity: 32, maxRows: 4, cut: [1]);
        int width = model.Shape.HiddenSize;
        float[] hidden = model.Embed(GoldenManifest.Default.Sequences[sequence.Name].AsSpan(0, 1));
        Assert.True(model.Executors[0].TryReserve(new(1), 1));
        model.Executors[0].Forward([new(new(1), 0, 1)], hidden);
        var expected = GoldenSequence.ReadFloats(sequence.LayersPath!, sequence.LayersShape).AsSpan(0, width);

        // As for the CPU executor: relative to the largest element.
        Assert.True(Comparison.MaxDifference(hidden, expected) <= 1e-4 * Comparison.Largest(expected));
    }
}
