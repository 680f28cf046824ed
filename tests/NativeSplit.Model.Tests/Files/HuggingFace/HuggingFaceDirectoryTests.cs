using System.Buffers.Binary;
using NativeSplit.Kernels;
using NativeSplit.Kernels.Memory;
using NativeSplit.Model.Files;
using NativeSplit.Model.Weights;
using NativeSplit.Testing;

namespace NativeSplit.Model.Tests.Files.HuggingFace;

[Collection(nameof(MappedMemoryCollection))]
public sealed class HuggingFaceDirectoryTests
{
    private static string Roadside => TestData.PathOf("roadside", "hf");

    // The card of the model gives these numbers.
    [Fact]
    public void Open_GivesTheShapeOfTheCard_ForTheShippedModel()
    {
        using var model = ModelFile.Open(Roadside);

        Assert.Equal(1_607_808, model.ParameterCount);
        Assert.Equal("hf", model.Name);
        var shape = model.Shape;
        Assert.Equal((128, 8, 8, 4, 16, 352, 1024, 512), (shape.HiddenSize, shape.LayerCount, shape.HeadCount, shape.KeyValueHeadCount, shape.HeadSize, shape.FeedForwardSize, shape.VocabularySize, shape.ContextLength));
        Assert.Equal(RopeLayout.Halves, shape.Rope.Layout);
        Assert.All(model.Tensors, tensor => Assert.Equal("F32", tensor.TypeName));
    }

    [Fact]
    public void Load_GivesTheWeightsOfTheGgufFile_FromTwoShards()
    {
        using var safetensors = ModelFile.Open(Roadside);
        using var gguf = ModelFile.Open(TestData.ModelPath("roadside-1.6m-f16.gguf"));
        using (var full = safetensors.Load(WeightSelection.Everything(safetensors.Shape)))
        using (var half = gguf.Load(WeightSelection.Everything(gguf.Shape)))
        {
            RequireRounded(full.TokenEmbedding!, half.TokenEmbedding!, row => row);
            Assert.Same(full.TokenEmbedding, full.Head!.Output);
            Assert.Equal(full.Head.Norm.ToArray(), half.Head!.Norm.ToArray());
            foreach (var (left, right) in full.Layers.Zip(half.Layers))
            {
                RequireRounded(left.Query, right.Query, RowInGguf);
                RequireRounded(left.Key, right.Key, RowInGguf);
                RequireRounded(left.Value, right.Value, row => row);
                RequireRounded(left.AttentionOutput, right.AttentionOutput, row => row);
                RequireRounded(left.Gate!, right.Gate!, row => row);
                RequireRounded(left.Up!, right.Up!, row => row);
                RequireRounded(left.Down!, right.Down!, row => row);
                Assert.Equal(left.AttentionNorm.ToArray(), right.AttentionNorm.ToArray());
                Assert.Equal(left.FeedForwardNorm.ToArray(), right.FeedForwardNorm.ToArray());
            }
        }

        Assert.Equal(0, MemoryAccounting.MappedBytes);
    }

    [Fact]
    public void Load_MapsOneLayerAlone()
    {
        using var model = ModelFile.Open(Roadside);
        for (int layer = 0; layer < 8; layer++)
        {
            using var weights = model.Load(WeightSelection.LayersOnly(new(layer, layer + 1)));

            // 184,576 parameters of 4 bytes; norms that lie alone are read and let go.
            Assert.InRange(weights.ByteLength, 184_320 * 4, 184_576 * 4);
            Assert.InRange(weights.Extents.Count, 1, 2);
        }
    }

    [Fact]
    public void GenerationDefaults_AreThoseOfTheFile()
    {
        using var model = ModelFile.Open(Roadside);

        Assert.Equal((0f, 256), (model.GenerationDefaults.Temperature, model.GenerationDefaults.MaxNewTokens));
        Assert.Equal([new TokenId(1)], model.GenerationDefaults.EndOfGeneration);
        Assert.Null(model.GenerationDefaults.TopK);
    }

    [Fact]
    public void ChatTemplateSource_IsThatOfTheGgufFile()
    {
        using var safetensors = ModelFile.Open(Roadside);
        using var gguf = ModelFile.Open(TestData.ModelPath("roadside-1.6m-f16.gguf"));

        Assert.NotNull(safetensors.ChatTemplateSource);
        Assert.Equal(gguf.ChatTemplateSource, safetensors.ChatTemplateSource);
    }

    [Fact]
    public void Fingerprint_Differs_WhenConfigurationOrHeaderDiffers()
    {
        using var folder = new HuggingFaceFolder();
        using var first = folder.Open();
        using var same = folder.Open();
        folder.Config["rope_theta"] = 20000;
        using var otherConfig = folder.Open();
        folder.Weights.AddZeros("extra", 1);
        using var otherHeader = folder.Open();

        Assert.Equal(first.Fingerprint, same.Fingerprint);
        Assert.Equal(3, new HashSet<ModelFingerprint> { first.Fingerprint, otherConfig.Fingerprint, otherHeader.Fingerprint }.Count);
    }

    [Fact]
    public void Load_ReadsAnyAlignment()
    {
        using var folder = new HuggingFaceFolder();
        folder.Weights.Add("lm_head.weight", "BF16", [16, 32], [.. Enumerable.Repeat(new byte[] { 0x80, 0xBF }, 512).SelectMany(pair => pair)]);
        using var model = folder.Open();
        using var weights = model.Load(WeightSelection.Everything(model.Shape));

        Assert.Equal(new byte[] { 0x80, 0xBF }, weights.Head!.Output.BorrowRow(15)[62..].ToArray());
    }

    [Fact]
    public void Load_TiesTheHead_WhenTheConfigurationSaysSoOrTheFileHasNone()
    {
        using var folder = new HuggingFaceFolder();
        RequireTied(folder, tied: true);
        folder.Weights.AddZeros("lm_head.weight", 16, 32);
        RequireTied(folder, tied: false);
        folder.Config["tie_word_embeddings"] = true;
        RequireTied(folder, tied: true);
    }

    [Fact]
    public void Load_WantsBiases_ExactlyWhenTheConfigurationHasThem()
    {
        using var folder = new HuggingFaceFolder();
        folder.Config["attention_bias"] = true;
        Assert.Contains("q_proj.bias", Refused(folder), StringComparison.Ordinal);

        folder.Weights
            .AddZeros("model.layers.0.self_attn.q_proj.bias", 32)
            .AddZeros("model.layers.0.self_attn.k_proj.bias", 16)
            .AddZeros("model.layers.0.self_attn.v_proj.bias", 16)
            .AddZeros("model.layers.0.self_attn.o_proj.bias", 32);
        using (var model = folder.Open())
        using (var weights = model.Load(WeightSelection.Everything(model.Shape)))
        {
            Assert.Equal((32, 16, 16, 32), (weights.Layers[0].QueryBias.Length, weights.Layers[0].KeyBias.Length, weights.Layers[0].ValueBias.Length, weights.Layers[0].AttentionOutputBias.Length));
        }

        folder.Config["attention_bias"] = false;
        Assert.Contains("_proj.bias", Refused(folder), StringComparison.Ordinal);
    }

    [Fact]
    public void Load_NamesTensorAndType_WhenItIsNotSupported()
    {
        using var folder = new HuggingFaceFolder();
        folder.Weights.Add("lm_head.weight", "F8_E4M3", [16, 32], new byte[512]);

        string message = Refused(folder);

        Assert.All(["lm_head.weight", "F8_E4M3", "BF16"], part => Assert.Contains(part, message, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("../model.safetensors")]
    [InlineData("/etc/passwd")]
    [InlineData("sub/model.safetensors")]
    [InlineData("..\\model.safetensors")]
    [InlineData("C:model.safetensors")]
    [InlineData(".safetensors")]
    [InlineData("model.bin")]
    public void Open_RefusesTheIndex_WhenItNamesAnotherPlace(string shard)
    {
        using var folder = new HuggingFaceFolder { WeightsName = "shard.safetensors" };
        folder.Write("model.safetensors.index.json", new System.Text.Json.Nodes.JsonObject
        {
            ["weight_map"] = new System.Text.Json.Nodes.JsonObject { ["model.norm.weight"] = shard },
        }.ToJsonString());

        folder.ExpectOnOpen(ModelFault.Corrupt, "model.safetensors.index.json", "model.norm.weight");
    }

    [Theory]
    [InlineData("""{"weight_map":{"model.norm.weight":"absent.safetensors"}}""", ModelFault.NotFound, "absent.safetensors")]
    [InlineData("""{"weight_map":{"absent.weight":"shard.safetensors"}}""", ModelFault.Corrupt, "absent.weight")]
    [InlineData("""{"weight_map":{"model.norm.weight":7}}""", ModelFault.Corrupt, "model.norm.weight")]
    [InlineData("""{"metadata":{}}""", ModelFault.Corrupt, "weight_map")]
    public void Open_NamesWhatIsWrongWithTheIndex(string index, ModelFault fault, string named)
    {
        using var folder = new HuggingFaceFolder { WeightsName = "shard.safetensors" };
        folder.Write("model.safetensors.index.json", index);

        folder.ExpectOnOpen(fault, named);
    }

    [Fact]
    public void Open_TakesTheSingleFile_WhenThereIsAlsoAnIndex()
    {
        using var folder = new HuggingFaceFolder();
        folder.Write("model.safetensors.index.json", """{"weight_map":{"model.norm.weight":"absent.safetensors"}}""");
        using var model = folder.Open();

        Assert.Equal(11, model.Tensors.Count);
    }

    [Fact]
    public void Open_SaysWhatToDo_WhenThereAreOnlyPyTorchFiles()
    {
        using var folder = new HuggingFaceFolder();
        folder.Open().Dispose();
        File.Move(Path.Combine(folder.Path, "model.safetensors"), Path.Combine(folder.Path, "pytorch_model.bin"));

        var error = Assert.Throws<ModelException>(() => ModelFile.Open(folder.Path));

        Assert.Equal(ModelFault.NotFound, error.Fault);
        Assert.Contains("converted to safetensors", error.Message, StringComparison.Ordinal);
    }

    // GGUF files of the llama family pair (2i, 2i+1) where Hugging Face pairs (i, i + half), so the rows of a head are interleaved.
    private static int RowInGguf(int row)
    {
        const int headSize = 16;
        int element = row % headSize;
        return row - element + (element < headSize / 2 ? 2 * element : (2 * (element - (headSize / 2))) + 1);
    }

    private static void RequireRounded(WeightMatrix full, WeightMatrix half, Func<int, int> rowInGguf)
    {
        Assert.Equal((full.Rows, full.Columns), (half.Rows, half.Columns));
        for (int row = 0; row < full.Rows; row++)
        {
            var expected = full.BorrowRow(row);
            var actual = half.BorrowRow(rowInGguf(row));
            for (int column = 0; column < full.Columns; column++)
            {
                var rounded = (Half)BinaryPrimitives.ReadSingleLittleEndian(expected[(4 * column)..]);
                Assert.Equal(rounded, BinaryPrimitives.ReadHalfLittleEndian(actual[(2 * column)..]));
            }
        }
    }

    private static void RequireTied(HuggingFaceFolder folder, bool tied)
    {
        using var model = folder.Open();
        using var weights = model.Load(WeightSelection.Everything(model.Shape));
        Assert.Equal(tied, ReferenceEquals(weights.TokenEmbedding, weights.Head!.Output));
    }

    private static string Refused(HuggingFaceFolder folder)
    {
        using var model = folder.Open();
        return Assert.Throws<ModelException>(() => model.Load(WeightSelection.Everything(model.Shape))).Message;
    }
}
