using System.Buffers.Binary;
using NativeSplit.Kernels.Memory;
using NativeSplit.Model.Files;
using NativeSplit.Model.Tests.Files;
using NativeSplit.Model.Weights;
using NativeSplit.Testing;

namespace NativeSplit.Model.Tests.Weights;

[Collection(nameof(MappedMemoryCollection))]
public sealed class WeightLoadingTests
{
    [Theory]
    [MemberData(nameof(GoldenShape.PresentNames), MemberType = typeof(GoldenShape))]
    public void Load_GivesEveryWeightTheShapeOfTheReadme_WholeAndByLayer(string name)
    {
        var golden = GoldenShape.Of(name);
        using var model = ModelFile.Open(GoldenShape.PathOf(name));
        using (var whole = model.Load(WeightSelection.Everything(model.Shape)))
        {
            Assert.Equal(golden.Layers, whole.Layers.Count);
            Assert.Equal((384, golden.Hidden), (whole.TokenEmbedding!.Rows, whole.TokenEmbedding.Columns));
            Assert.Equal((384, golden.Hidden), (whole.Head!.Output.Rows, whole.Head.Output.Columns));
            Assert.Equal(golden.Hidden, whole.Head.Norm.Length);
            for (int layer = 0; layer < golden.Layers; layer++)
            {
                using var single = model.Load(WeightSelection.LayersOnly(new(layer, layer + 1)));
                Assert.Null(single.TokenEmbedding);
                Assert.Null(single.Head);
                RequireShape(golden, Assert.Single(single.Layers));
                RequireSame(whole.Layers[layer], single.Layers[0]);
            }
        }

        Assert.Equal(0, MemoryAccounting.MappedBytes);
    }

    [Theory]
    [InlineData("llama-plain-f32", true)]
    [InlineData("llama-untied-f32", false)]
    public void Load_GivesTheEmbeddingAsHead_OnlyWhenTheyAreTied(string name, bool tied)
    {
        using var model = ModelFile.Open(GoldenShape.PathOf(name));
        using var weights = model.Load(new(default, Embedding: true, Head: true));
        using var head = model.Load(new(default, Embedding: false, Head: true));

        Assert.Equal(tied, ReferenceEquals(weights.TokenEmbedding, weights.Head!.Output));
        Assert.Equal(tied, weights.TokenEmbedding!.BorrowRow(7).SequenceEqual(head.Head!.Output.BorrowRow(7)));
        Assert.Null(head.TokenEmbedding);
    }

    [Theory]
    [InlineData("llama-plain-f32", false, false)]
    [InlineData("qwen2-f32", true, false)]
    [InlineData("qwen3-f32", false, true)]
    public void Load_GivesBiasesAndHeadNorms_WhereTheArchitectureHasThem(string name, bool biases, bool norms)
    {
        using var model = ModelFile.Open(GoldenShape.PathOf(name));
        using var weights = model.Load(WeightSelection.LayersOnly(new(3, 4)));

        var layer = weights.Layers[0];
        int query = biases ? model.Shape.QuerySize : 0;
        int keyValue = biases ? model.Shape.KeyValueSize : 0;
        int head = norms ? model.Shape.HeadSize : 0;
        Assert.Equal((query, keyValue, keyValue, 0), (layer.QueryBias.Length, layer.KeyBias.Length, layer.ValueBias.Length, layer.AttentionOutputBias.Length));
        Assert.Equal((head, head), (layer.QueryNorm.Length, layer.KeyNorm.Length));
    }

    // The F16 and BF16 files were made from the F32 one's weights, which norms keep.
    [Fact]
    public void Load_GivesTheSameNorms_WhateverTheTypeOfTheMatrices()
    {
        using var full = ModelFile.Open(GoldenShape.PathOf("llama-untied-f32"));
        using var half = ModelFile.Open(GoldenShape.PathOf("llama-untied-f16"));
        using var expected = full.Load(WeightSelection.Everything(full.Shape));
        using var actual = half.Load(WeightSelection.Everything(half.Shape));

        Assert.Equal(expected.Head!.Norm.ToArray(), actual.Head!.Norm.ToArray());
        Assert.Equal(expected.Layers[2].FeedForwardNorm.ToArray(), actual.Layers[2].FeedForwardNorm.ToArray());
        for (int column = 0; column < full.Shape.HiddenSize; column++)
        {
            float weight = BinaryPrimitives.ReadSingleLittleEndian(expected.Layers[1].Gate!.BorrowRow(5)[(4 * column)..]);
            Assert.Equal((Half)weight, BinaryPrimitives.ReadHalfLittleEndian(actual.Layers[1].Gate!.BorrowRow(5)[(2 * column)..]));
        }
    }

    [Theory]
    [InlineData(0u, new byte[] { 0, 0, 0xC0, 0x3F, 0, 0, 0, 0xC0 })]
    [InlineData(1u, new byte[] { 0x00, 0x3E, 0x00, 0xC0 })]
    [InlineData(30u, new byte[] { 0xC0, 0x3F, 0x00, 0xC0 })]
    public void Load_WidensVectors_OfEveryFloatType(uint type, byte[] pair)
    {
        byte[] data = [.. Enumerable.Repeat(pair, 16).SelectMany(bytes => bytes)];
        using var folder = new TemporaryFolder();
        var builder = GgufBuilder.TinyLlama(2, name => name != "blk.1.ffn_norm.weight").AddTensor("blk.1.ffn_norm.weight", type, [32], data);
        using var model = ModelFile.Open(folder.Write("tiny.gguf", builder.Build()));
        using var weights = model.Load(WeightSelection.LayersOnly(new(1, 2)));

        Assert.Equal(Enumerable.Repeat(new[] { 1.5f, -2f }, 16).SelectMany(values => values), weights.Layers[0].FeedForwardNorm.ToArray());
    }

    [Fact]
    public void Load_StaysValid_AfterTheFileIsDisposed()
    {
        var model = ModelFile.Open(GoldenShape.PathOf("llama-plain-f32"));
        using var weights = model.Load(WeightSelection.LayersOnly(new(0, 1)));
        byte[] before = weights.Layers[0].Up!.BorrowRow(3).ToArray();
        model.Dispose();

        Assert.Equal(before, weights.Layers[0].Up!.BorrowRow(3).ToArray());
    }

    [Fact]
    public void Load_Throws_WhenLayersAreNotInTheModel()
    {
        using var model = ModelFile.Open(GoldenShape.PathOf("llama-plain-f32"));

        Assert.Throws<ArgumentOutOfRangeException>(() => model.Load(WeightSelection.LayersOnly(new(3, 5))));
    }

    [Fact]
    public void Load_NamesTheTensor_WhenItIsMissing() => Expect(
        ModelFault.Corrupt, GgufBuilder.TinyLlama(2, name => name != "blk.1.attn_k.weight"), "blk.1.attn_k.weight", "missing");

    [Fact]
    public void Load_NamesTheTensorAndBothShapes_WhenItsShapeIsAnother() => Expect(
        ModelFault.Corrupt,
        GgufBuilder.TinyLlama(2, name => name != "blk.1.attn_k.weight").AddTensor("blk.1.attn_k.weight", 0, [32, 16], new byte[2048]),
        "blk.1.attn_k.weight",
        "[32, 16]",
        "[16, 32]");

    [Fact]
    public void Load_NamesTheTensor_WhenTheForwardPassDoesNotKnowIt()
    {
        Expect(ModelFault.Unsupported, GgufBuilder.TinyLlama().AddTensor("blk.1.ffn_gate.bias", 0, [48], new byte[192]), "blk.1.ffn_gate.bias");
        Expect(ModelFault.Unsupported, GgufBuilder.TinyLlama().AddTensor("output_norm.bias", 0, [32], new byte[128]), "output_norm.bias");
        Expect(ModelFault.Unsupported, GgufBuilder.TinyLlama().AddTensor("blk.1.attn_q_norm.weight", 0, [8], new byte[32]), "blk.1.attn_q_norm.weight");
    }

    [Fact]
    public void Load_IsUnsupported_WhenAVectorIsQuantised() => Expect(
        ModelFault.Unsupported,
        GgufBuilder.TinyLlama(2, name => name != "blk.1.ffn_norm.weight").AddTensor("blk.1.ffn_norm.weight", 8, [32], new byte[34]),
        "blk.1.ffn_norm.weight",
        "Q8_0");

    [Fact]
    public void Load_GivesOptionalBiases_WhenALlamaFileHasThem()
    {
        using var folder = new TemporaryFolder();
        var builder = GgufBuilder.TinyLlama().AddTensor("blk.0.attn_output.bias", 0, [32], new byte[128]);
        using var model = ModelFile.Open(folder.Write("tiny.gguf", builder.Build()));
        using var weights = model.Load(WeightSelection.LayersOnly(new(0, 2)));

        Assert.Equal((32, 0), (weights.Layers[0].AttentionOutputBias.Length, weights.Layers[1].AttentionOutputBias.Length));
    }

    private static void Expect(ModelFault fault, GgufBuilder builder, params string[] named)
    {
        using (var folder = new TemporaryFolder())
        using (var model = ModelFile.Open(folder.Write("bad.gguf", builder.Build())))
        {
            var error = Assert.Throws<ModelException>(() => model.Load(WeightSelection.Everything(model.Shape)));
            Assert.Equal(fault, error.Fault);
            Assert.All(named, part => Assert.Contains(part, error.Message, StringComparison.Ordinal));
        }

        Assert.Equal(0, MemoryAccounting.MappedBytes);
    }

    private static void RequireShape(GoldenShape golden, LayerWeights layer)
    {
        int query = golden.Heads * golden.HeadSize;
        int keyValue = golden.KeyValueHeads * golden.HeadSize;
        (int, int) Of(Kernels.WeightMatrix matrix) => (matrix.Rows, matrix.Columns);
        Assert.Equal((query, golden.Hidden), Of(layer.Query));
        Assert.Equal((keyValue, golden.Hidden), Of(layer.Key));
        Assert.Equal((keyValue, golden.Hidden), Of(layer.Value));
        Assert.Equal((golden.Hidden, query), Of(layer.AttentionOutput));
        if (layer.Router is null)
        {
            Assert.Equal(golden.Architecture == "gpt2", layer.Gate is null);
            Assert.Equal((golden.FeedForward, golden.Hidden), Of(layer.Gate ?? layer.Up!));
            Assert.Equal((golden.FeedForward, golden.Hidden), Of(layer.Up!));
            Assert.Equal((golden.Hidden, golden.FeedForward), Of(layer.Down!));
        }
        else
        {
            Assert.Equal((4, golden.Hidden), Of(layer.Router));
            Assert.Equal(4, layer.Experts.Count);
            Assert.All(layer.Experts, expert => Assert.Equal((golden.FeedForward, golden.Hidden), Of(expert.Gate)));
            Assert.All(layer.Experts, expert => Assert.Equal((golden.FeedForward, golden.Hidden), Of(expert.Up)));
            Assert.All(layer.Experts, expert => Assert.Equal((golden.Hidden, golden.FeedForward), Of(expert.Down)));
        }

        Assert.Equal((golden.Hidden, golden.Hidden), (layer.AttentionNorm.Length, layer.FeedForwardNorm.Length));
    }

    private static void RequireSame(LayerWeights expected, LayerWeights actual)
    {
        Assert.Equal(expected.AttentionNorm.ToArray(), actual.AttentionNorm.ToArray());
        Assert.Equal(expected.KeyBias.ToArray(), actual.KeyBias.ToArray());
        foreach (var (left, right) in expected.Matrices.Zip(actual.Matrices))
        {
            for (int row = 0; row < left.Rows; row++)
            {
                Assert.True(left.BorrowRow(row).SequenceEqual(right.BorrowRow(row)));
            }
        }
    }
}
