using NativeSplit.Model.Files;
using NativeSplit.Model.Weights;
using NativeSplit.Testing;

namespace NativeSplit.Model.Tests.Files.Gguf;

[Collection(nameof(MappedMemoryCollection))]
public sealed class GgufShapeTests
{
    [Fact]
    public void Open_UsesDefaults_WhenOptionalKeysAreAbsent()
    {
        using var folder = new TemporaryFolder();
        using var model = ModelFile.Open(folder.Write("tiny.gguf", GgufBuilder.TinyLlama().Build()));

        Assert.Equal("tiny", model.Name);
        Assert.Equal((8, 8, 10000.0), (model.Shape.HeadSize, model.Shape.Rope.Dimensions, model.Shape.Rope.FrequencyBase));
        Assert.Empty(model.Shape.Rope.FrequencyDivisors);
        Assert.Null(model.ChatTemplateSource);
        Assert.Equal(GenerationDefaults.None, model.GenerationDefaults);
    }

    [Fact]
    public void Open_DividesFrequencies_WhenScalingIsLinear()
    {
        Assert.Equal([4f, 4f, 4f, 4f], Divisors(builder => builder.AddString("llama.rope.scaling.type", "linear").AddFloat32("llama.rope.scaling.factor", 4)));
        Assert.Equal([4f, 4f, 4f, 4f], Divisors(builder => builder.AddFloat32("llama.rope.scale_linear", 4)));
        Assert.Empty(Divisors(builder => builder.AddString("llama.rope.scaling.type", "none").AddFloat32("llama.rope.scaling.factor", 4)));
        Assert.Empty(Divisors(builder => builder.AddFloat32("llama.rope.scaling.factor", 0)));
    }

    [Fact]
    public void Open_TakesDivisorsFromTheTensor_OfTheGoldenModel()
    {
        using var model = ModelFile.Open(GoldenShape.PathOf("llama-ropefreqs-f32"));

        Assert.Equal(500000, model.Shape.Rope.FrequencyBase);
        Assert.Equal([1f, 2.44225931f, 8f, 8f, 8f, 8f, 8f, 8f], model.Shape.Rope.FrequencyDivisors);
    }

    [Theory]
    [InlineData("yarn")]
    [InlineData("longrope")]
    public void Open_IsUnsupported_WhenScalingIsAnother(string type) =>
        Expect(ModelFault.Unsupported, builder => builder.AddString("llama.rope.scaling.type", type), $"'{type}'", "rope.scaling.type");

    [Fact]
    public void Open_NamesTheKey_WhenExpertsAreHalfDescribed() =>
        Expect(ModelFault.Corrupt, builder => builder.AddUInt32("llama.expert_count", 8), "llama.expert_used_count");

    [Fact]
    public void Open_IsCorrupt_WhenARowTakesMoreExpertsThanThereAre() =>
        Expect(ModelFault.Corrupt, builder => builder.AddUInt32("llama.expert_count", 8).AddUInt32("llama.expert_used_count", 9), "experts per token", "9", "1 to 8");

    [Fact]
    public void Open_IsCorrupt_WhenASoftCapIsNegative() =>
        Expect(ModelFault.Corrupt, builder => builder.AddFloat32("llama.final_logit_softcapping", -1f), "soft cap of logits");

    [Fact]
    public void Open_IsUnsupported_WhenValueHeadsHaveAnotherSize() =>
        Expect(ModelFault.Unsupported, builder => builder.AddUInt32("llama.attention.value_length", 16), "llama.attention.value_length");

    [Fact]
    public void Open_IsCorrupt_WhenRotatedElementsAreOddOrTooMany()
    {
        Expect(ModelFault.Corrupt, builder => builder.AddUInt32("llama.rope.dimension_count", 7), "rotated elements");
        Expect(ModelFault.Corrupt, builder => builder.AddUInt32("llama.rope.dimension_count", 10), "rotated elements");
    }

    [Theory]
    [InlineData(0f)]
    [InlineData(float.NaN)]
    [InlineData(float.PositiveInfinity)]
    [InlineData(-10000f)]
    public void Open_IsCorrupt_WhenTheFrequencyBaseIsAbsurd(float value) =>
        Expect(ModelFault.Corrupt, builder => builder.AddFloat32("llama.rope.freq_base", value), "rope frequency base");

    [Fact]
    public void Open_IsCorrupt_WhenRopeFrequenciesDoNotFit()
    {
        Expect(ModelFault.Corrupt, builder => builder.AddTensor("rope_freqs.weight", 0, [3], new byte[12]), "divisors");
        Expect(ModelFault.Corrupt, builder => builder.AddTensor("rope_freqs.weight", 0, [4], new byte[16]), "divisor is 0");
        Expect(ModelFault.Corrupt, builder => builder.AddTensor("rope_freqs.weight", 24, [4], new byte[4]), "I8");
    }

    [Theory]
    [InlineData("block_count", 0u)]
    [InlineData("block_count", 1u << 20)]
    [InlineData("attention.head_count", 0u)]
    [InlineData("attention.head_count", 3u)]
    [InlineData("attention.head_count_kv", 3u)]
    [InlineData("attention.head_count_kv", 8u)]
    [InlineData("embedding_length", uint.MaxValue)]
    [InlineData("context_length", 0u)]
    public void Open_IsCorrupt_WhenANumberIsAbsurd(string suffix, uint value)
    {
        var builder = new GgufBuilder().AddString("general.architecture", "llama").AddFloat32("llama.attention.layer_norm_rms_epsilon", 1e-5f);
        foreach (var (key, usual) in new (string, uint)[]
        {
            ("block_count", 2), ("context_length", 64), ("embedding_length", 32), ("feed_forward_length", 48),
            ("attention.head_count", 4), ("attention.head_count_kv", 2), ("vocab_size", 16),
        })
        {
            builder.AddUInt32("llama." + key, key == suffix ? value : usual);
        }

        using var folder = new TemporaryFolder();
        string path = folder.Write("absurd.gguf", builder.Build());
        Assert.Equal(ModelFault.Corrupt, Assert.Throws<ModelException>(() => ModelFile.Open(path)).Fault);
    }

    [Fact]
    public void Open_NamesTheKey_WhenItIsMissing()
    {
        using var folder = new TemporaryFolder();
        string none = folder.Write("none.gguf", new GgufBuilder().Build());
        string bare = folder.Write("bare.gguf", new GgufBuilder().AddString("general.architecture", "qwen3").Build());

        Assert.Contains("general.architecture", Assert.Throws<ModelException>(() => ModelFile.Open(none)).Message, StringComparison.Ordinal);
        Assert.Contains("qwen3.embedding_length", Assert.Throws<ModelException>(() => ModelFile.Open(bare)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Open_TakesHeadCounts_WhenTheyAreArraysOfEqualValues()
    {
        using var folder = new TemporaryFolder();
        using var model = ModelFile.Open(folder.Write("equal.gguf", WithKeyValueHeads(2, 2).Build()));
        string varied = folder.Write("varied.gguf", WithKeyValueHeads(2, 4).Build());

        Assert.Equal(2, model.Shape.KeyValueHeadCount);
        var error = Assert.Throws<ModelException>(() => ModelFile.Open(varied));
        Assert.Equal(ModelFault.Unsupported, error.Fault);
        Assert.Contains("varies", error.Message, StringComparison.Ordinal);

        static GgufBuilder WithKeyValueHeads(int first, int second) => new GgufBuilder()
            .AddString("general.architecture", "llama")
            .AddUInt32("llama.block_count", 2)
            .AddUInt32("llama.context_length", 64)
            .AddUInt32("llama.embedding_length", 32)
            .AddUInt32("llama.feed_forward_length", 48)
            .AddUInt32("llama.attention.head_count", 4)
            .AddArray("llama.attention.head_count_kv", 5, 2, writer => { writer.Write(first); writer.Write(second); })
            .AddFloat32("llama.attention.layer_norm_rms_epsilon", 1e-5f)
            .AddStrings("tokenizer.ggml.tokens", "a", "b", "c");
    }

    [Fact]
    public void Load_IsCorrupt_WhenTheFileHasOnlyAVocabulary()
    {
        using var folder = new TemporaryFolder();
        using var model = ModelFile.Open(folder.Write("vocabulary.gguf", new GgufBuilder().TinyLlamaKeys().Build()));

        Assert.Equal(16, model.Shape.VocabularySize);
        Assert.Throws<ModelException>(() => model.Load(WeightSelection.Everything(model.Shape)));
    }

    private static IReadOnlyList<float> Divisors(Func<GgufBuilder, GgufBuilder> change)
    {
        using var folder = new TemporaryFolder();
        using var model = ModelFile.Open(folder.Write("tiny.gguf", change(GgufBuilder.TinyLlama()).Build()));
        return model.Shape.Rope.FrequencyDivisors;
    }

    private static void Expect(ModelFault fault, Func<GgufBuilder, GgufBuilder> change, params string[] named)
    {
        using var folder = new TemporaryFolder();
        string path = folder.Write("changed.gguf", change(GgufBuilder.TinyLlama()).Build());

        var error = Assert.Throws<ModelException>(() => ModelFile.Open(path));

        Assert.Equal(fault, error.Fault);
        Assert.All(named.Append(path), part => Assert.Contains(part, error.Message, StringComparison.Ordinal));
    }
}
