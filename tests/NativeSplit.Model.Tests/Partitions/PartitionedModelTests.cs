using NativeSplit.Kernels;
using NativeSplit.Kernels.Memory;
using NativeSplit.Model.Files;
using NativeSplit.Model.Partitions;
using NativeSplit.Model.Tests.Files;
using NativeSplit.Model.Tests.Files.HuggingFace;
using NativeSplit.Model.Weights;

namespace NativeSplit.Model.Tests.Partitions;

/// <summary>A model cut at its layers is the same model, whichever format it was cut from.</summary>
[Collection(nameof(MappedMemoryCollection))]
public sealed class PartitionedModelTests
{
    private const string Llama = "llama-untied-f16";

    [Theory]
    [MemberData(nameof(GoldenShape.PresentNames), MemberType = typeof(GoldenShape))]
    public void OpenPartitioned_GivesTheWeightsOfTheFile(string name)
    {
        using ModelFile file = ModelFile.Open(GoldenShape.PathOf(name));
        PartitionedModel description = file.DescribePartitions();
        Assert.Equal(file.Tensors.Select(tensor => tensor.Name).Order(), description.Partitions.SelectMany(partition => partition.Tensors).Select(tensor => tensor.Name).Order());
        using ModelFile cut = ModelFile.OpenPartitioned("here", description, partition => CopyOf(file, partition));
        Assert.Equal((file.Name, file.Fingerprint, file.Shape.LayerCount), (cut.Name, cut.Fingerprint, cut.Shape.LayerCount));
        using (ModelWeights expected = file.Load(WeightSelection.Everything(file.Shape)))
        using (ModelWeights weights = cut.Load(WeightSelection.Everything(cut.Shape)))
        {
            RequireSame(expected.TokenEmbedding!, weights.TokenEmbedding!);
            RequireSame(expected.Head!.Output, weights.Head!.Output);
            Assert.Equal(expected.Head.Norm.ToArray(), weights.Head.Norm.ToArray());
            foreach ((LayerWeights one, LayerWeights other) in expected.Layers.Zip(weights.Layers))
            {
                Assert.Equal(one.Matrices.Count(), other.Matrices.Count());
                Assert.All(one.Matrices.Zip(other.Matrices), pair => RequireSame(pair.First, pair.Second));
                Assert.Equal(one.AttentionNorm.ToArray(), other.AttentionNorm.ToArray());
                Assert.Equal(one.QueryBias.ToArray(), other.QueryBias.ToArray());
                Assert.Equal(one.FeedForwardNorm.ToArray(), other.FeedForwardNorm.ToArray());
            }
        }

        Assert.Equal(0, MemoryAccounting.MappedBytes);
    }

    [Fact]
    public void Load_OpensThePartitionsOfItsLayersAlone_EachOnce()
    {
        using ModelFile file = ModelFile.Open(GoldenShape.PathOf(Llama));
        List<string> opened = [];
        using ModelFile cut = ModelFile.OpenPartitioned("here", file.DescribePartitions(), partition =>
        {
            opened.Add(partition.Name);
            return CopyOf(file, partition);
        });
        using ModelWeights weights = cut.Load(WeightSelection.LayersOnly(new LayerRange(1, 3)));
        Assert.Equal(["layer-1", "layer-2"], opened);
    }

    [Theory]
    [InlineData("LlamaForCausalLM")]
    [InlineData("MistralForCausalLM")]
    public void OpenPartitioned_KnowsHuggingFaceModelsToo(string architecture)
    {
        using var folder = new HuggingFaceFolder(architecture);
        folder.Config["tie_word_embeddings"] = true;
        using ModelFile file = folder.Open();
        PartitionedModel description = file.DescribePartitions();
        Assert.Equal(("huggingface", architecture), (description.Format, description.ArchitectureName));
        using ModelFile cut = ModelFile.OpenPartitioned("here", description, partition => CopyOf(file, partition));
        using ModelWeights weights = cut.Load(WeightSelection.Everything(cut.Shape));
        Assert.Same(weights.TokenEmbedding, weights.Head!.Output);
        Assert.Equal((48, 32), (weights.Layers[0].Up!.Rows, weights.Layers[0].Up!.Columns));
    }

    [Fact]
    public void LoadTokenizer_SaysThatThereIsNone()
    {
        using ModelFile file = ModelFile.Open(GoldenShape.PathOf(Llama));
        using ModelFile cut = ModelFile.OpenPartitioned("here", file.DescribePartitions(), partition => CopyOf(file, partition));
        Assert.Equal(ModelFault.Unsupported, Assert.Throws<ModelException>(cut.LoadTokenizer).Fault);
        Assert.Null(cut.ChatTemplateSource);
    }

    [Theory]
    [InlineData(-1)]
    [InlineData(1)]
    public void Load_Throws_WhenAPartitionHasAnotherLength(int change)
    {
        using ModelFile file = ModelFile.Open(GoldenShape.PathOf(Llama));
        using ModelFile cut = ModelFile.OpenPartitioned("here", file.DescribePartitions(), partition =>
        {
            MemoryStream stream = CopyOf(file, partition);
            stream.SetLength(stream.Length + change);
            return stream;
        });
        ModelException e = Assert.Throws<ModelException>(() => cut.Load(WeightSelection.LayersOnly(new LayerRange(0, 1))));
        Assert.Equal(ModelFault.Corrupt, e.Fault);
        Assert.Contains("layer-0", e.Message);
    }

    [Fact]
    public void OpenPartitioned_Throws_WhenTheDescriptionIsAbsurd()
    {
        using ModelFile file = ModelFile.Open(GoldenShape.PathOf(Llama));
        PartitionedModel good = file.DescribePartitions();
        PartitionTensor tensor = good.Partitions[1].Tensors[0];
        Assert.All(
            [
                With(tensor with { Offset = good.Partitions[1].ByteLength }),
                With(tensor with { Offset = -64 }),
                With(tensor with { ByteLength = long.MaxValue }),
                With(tensor with { ByteLength = tensor.ByteLength - 2 }),
                With(tensor with { Shape = [] }),
                With(tensor with { Shape = [long.MaxValue, long.MaxValue, 64] }),
                With(tensor with { Shape = [-1, 64] }),
                With(tensor with { Name = "blk.2.attn_norm.weight" }),
                With(tensor with { Name = good.Partitions[1].Tensors[1].Name }),
                good with { Format = "other" },
                good with { ArchitectureName = "other" },
                good with { Shape = good.Shape with { HiddenSize = -1 } },
                good with { Shape = good.Shape with { LayerCount = int.MaxValue } },
            ],
            description => Assert.Throws<ModelException>(() => ModelFile.OpenPartitioned("here", description, _ => Stream.Null).Dispose()));

        PartitionedModel With(PartitionTensor changed) =>
            good with { Partitions = [good.Partitions[0], good.Partitions[1] with { Tensors = [changed, .. good.Partitions[1].Tensors.Skip(1)] }, .. good.Partitions.Skip(2)] };
    }

    [Fact]
    public void CopyPartition_Throws_WhenItIsOneOfAnotherModel()
    {
        using ModelFile file = ModelFile.Open(GoldenShape.PathOf(Llama));
        using ModelFile other = ModelFile.Open(GoldenShape.PathOf("qwen3-f32"));
        Assert.Throws<ArgumentException>(() => file.CopyPartition(other.DescribePartitions().Partitions[1], Stream.Null));
    }

    private static MemoryStream CopyOf(ModelFile file, ModelPartition partition)
    {
        var stream = new MemoryStream();
        file.CopyPartition(partition, stream);
        Assert.Equal(partition.ByteLength, stream.Length);
        stream.Position = 0;
        return stream;
    }

    private static void RequireSame(WeightMatrix expected, WeightMatrix actual)
    {
        Assert.Equal((expected.Type, expected.Rows, expected.Columns), (actual.Type, actual.Rows, actual.Columns));
        for (int row = 0; row < expected.Rows; row++)
        {
            Assert.True(expected.BorrowRow(row).SequenceEqual(actual.BorrowRow(row)));
        }
    }
}
