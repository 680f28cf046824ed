using System.Runtime.InteropServices;
using System.Text.Json.Nodes;
using NativeSplit.Kernels;
using NativeSplit.Kernels.Formats;
using NativeSplit.Kernels.Memory;
using NativeSplit.ModelMaker;

namespace NativeSplit.EndToEnd.Tests;

/// <summary>Models that perf makes are models: the program opens and runs them, and their weights have the spread they should.</summary>
public sealed class ModelMakerTests : IDisposable
{
    private static readonly MadeShape Tiny = MadeShape.All.Single(shape => shape.Name == "tiny");

    private readonly string _folder = Directory.CreateTempSubdirectory("nativesplit-").FullName;

    public static TheoryData<string> Mixtures => [.. TypeMixture.All.Select(mixture => mixture.Name)];

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [MemberData(nameof(Mixtures))]
    public async Task Logits_AreFinite_AndOfUsualSize(string mixture)
    {
        string model = Make(mixture, seed: 1);
        string file = Path.Combine(_folder, "logits.f32");
        Finished run = await NativeSplitProcess.RunAsync("logits", "--model", model, "--tokens", "1,300,17,511", "--out", file);
        Assert.True(run.Code == 0, run.Error);

        float[] logits = MemoryMarshal.Cast<byte, float>(File.ReadAllBytes(file)).ToArray();
        Assert.Equal(4 * Tiny.Vocabulary, logits.Length);
        Assert.All(logits, logit => Assert.True(float.IsFinite(logit)));

        // The head has rows of unit length on average, and its input has elements of size 1.
        Assert.InRange(MathF.Sqrt(logits.Average(logit => logit * logit)), 0.7f, 1.4f);
    }

    [Fact]
    public async Task Inspect_ShowsTheShape_AndTheMixture()
    {
        Finished inspect = await NativeSplitProcess.RunAsync("inspect", Make("Q4_K_M", seed: 1), "--json");
        Assert.True(inspect.Code == 0, inspect.Error);
        JsonNode document = JsonNode.Parse(inspect.Output)!;
        Assert.Equal(Tiny.Layers, document["layers"]!.GetValue<int>());
        Assert.Equal(Tiny.Hidden, document["hidden"]!.GetValue<int>());
        Assert.Equal(Tiny.KeyValueHeads, document["kv_heads"]!.GetValue<int>());
        Assert.Equal(Tiny.Vocabulary, document["vocabulary"]!.GetValue<int>());
        Assert.Equal(["F32", "Q4_K", "Q6_K"], document["types"]!.AsObject().Select(type => type.Key).Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task Tokenize_EncodesAnyText()
    {
        Finished tokenize = await NativeSplitProcess.RunAsync("tokenize", "--model", Make("Q8_0", seed: 1), "--json", "ab Ä→ z");
        Assert.True(tokenize.Code == 0, tokenize.Error);
        Assert.All(JsonNode.Parse(tokenize.Output)!["ids"]!.AsArray(), id => Assert.InRange(id!.GetValue<int>(), 1, Tiny.Vocabulary - 1));
    }

    [Fact]
    public void Write_GivesEqualBytes_ForEqualSeedsOnly()
    {
        byte[] first = File.ReadAllBytes(Make("Q4_0", seed: 7));
        byte[] again = File.ReadAllBytes(Make("Q4_0", seed: 7));
        byte[] other = File.ReadAllBytes(Make("Q4_0", seed: 8));
        Assert.Equal(first, again);
        Assert.Equal(first.Length, other.Length);
        Assert.NotEqual(first, other);
    }

    [Theory]
    [InlineData(WeightType.F32)]
    [InlineData(WeightType.F16)]
    [InlineData(WeightType.Q4_0)]
    [InlineData(WeightType.Q8_0)]
    [InlineData(WeightType.Q4_K)]
    [InlineData(WeightType.Q6_K)]
    public void Blocks_HaveTheWantedSpread_AndNoBias(WeightType type)
    {
        const int Columns = 1 << 16;
        const float Spread = 0.02f;
        using NativeMemoryRegion region = NativeMemoryRegion.Allocate(BlockFormat.Of(type).RowBytes(Columns));
        RandomBlocks.Fill(type, Spread, new WeightRandom(1, "w"), region.BorrowWritable(0, (int)region.Length));
        float[] weights = new float[Columns];
        KernelCatalog.Select("scalar").DequantizeRow(new WeightMatrix(region, 0, type, 1, Columns), 0, weights);

        // Scales vary uniformly by half around their mean, which adds 1/12 to the variance. 256 blocks at least: 4 % is over 4 sigma.
        double wanted = type is WeightType.F32 or WeightType.F16 ? Spread : Spread * Math.Sqrt(1 + (1 / 12.0));
        double actual = Math.Sqrt(weights.Average(weight => (double)weight * weight));
        Assert.InRange(actual / wanted, 0.92, 1.08);
        Assert.InRange(weights.Average(), -0.05f * Spread, 0.05f * Spread);
    }

    private string Make(string mixture, ulong seed)
    {
        string path = Path.Combine(_folder, $"{mixture}-{seed}.gguf");
        RandomModel.Write(path, Tiny, TypeMixture.All.Single(candidate => candidate.Name == mixture), seed);
        return path;
    }
}
