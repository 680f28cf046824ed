using NativeSplit.Model.Files;
using NativeSplit.Model.Weights;
using NativeSplit.Testing;

namespace NativeSplit.Model.Tests.Files.Gguf;

[Collection(nameof(MappedMemoryCollection))]
public sealed class GgufSplitSetTests
{
    private const int TensorCount = 3 + (2 * 9);

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Open_GivesTheWholeModel_WhenAnyPartIsNamed(int part)
    {
        using var folder = new TemporaryFolder();
        string whole = folder.Write("whole.gguf", GgufBuilder.TinyLlama().Build());
        WriteSet(folder);

        using var expected = ModelFile.Open(whole);
        using var model = ModelFile.Open(PathOf(folder, part));
        using var expectedWeights = expected.Load(WeightSelection.Everything(expected.Shape));
        using var weights = model.Load(WeightSelection.Everything(model.Shape));

        Assert.Equal("tiny", model.Name);
        Assert.Equal(TensorCount, model.Tensors.Count);
        Assert.Equal(expected.ParameterCount, model.ParameterCount);
        foreach (var (left, right) in expectedWeights.Layers.Zip(weights.Layers))
        {
            Assert.Equal(left.AttentionNorm.ToArray(), right.AttentionNorm.ToArray().AsSpan());
            Assert.Equal(left.Down!.BorrowRow(31).ToArray(), right.Down!.BorrowRow(31).ToArray());
        }
    }

    [Fact]
    public void Open_NamesTheMissingPart()
    {
        using var folder = new TemporaryFolder();
        WriteSet(folder);
        File.Delete(PathOf(folder, 2));

        Expect(PathOf(folder, 1), ModelFault.NotFound, "tiny-00002-of-00003.gguf");
        Expect(PathOf(folder, 3), ModelFault.NotFound, "tiny-00002-of-00003.gguf");
    }

    [Fact]
    public void Open_SaysHowToName_WhenAPartWasRenamed()
    {
        using var folder = new TemporaryFolder();
        WriteSet(folder);
        string renamed = Path.Combine(folder.Path, "mine.gguf");
        File.Move(PathOf(folder, 1), renamed);

        Expect(renamed, ModelFault.NotFound, "00001-of-00003");
    }

    [Fact]
    public void Open_IsCorrupt_WhenPartsAreSwapped()
    {
        using var folder = new TemporaryFolder();
        WriteSet(folder);
        File.Copy(PathOf(folder, 3), PathOf(folder, 2), overwrite: true);

        Expect(PathOf(folder, 1), ModelFault.Corrupt, "part 3 of 3", "part 2 of 3");
    }

    [Fact]
    public void Open_IsCorrupt_WhenAPartBelongsToNoSet()
    {
        using var folder = new TemporaryFolder();
        WriteSet(folder);
        folder.Write("tiny-00002-of-00003.gguf", GgufBuilder.TinyLlama().Build());

        Expect(PathOf(folder, 1), ModelFault.Corrupt, "no part of a set");
    }

    [Fact]
    public void Open_IsCorrupt_WhenTensorsAreMissingInAll()
    {
        using var folder = new TemporaryFolder();
        WriteSet(folder);
        folder.Write("tiny-00003-of-00003.gguf", Part(2, name => name.StartsWith("blk.1.ffn", StringComparison.Ordinal)).Build());

        Expect(PathOf(folder, 1), ModelFault.Corrupt, "split.tensors.count", $"{TensorCount}");
    }

    [Fact]
    public void Open_NamesTheTensor_WhenTwoPartsHaveIt()
    {
        using var folder = new TemporaryFolder();
        WriteSet(folder);
        folder.Write("tiny-00003-of-00003.gguf", Part(2, name => name.StartsWith("blk.0", StringComparison.Ordinal)).Build());

        Expect(PathOf(folder, 1), ModelFault.Corrupt, "blk.0.");
    }

    [Fact]
    public void Fingerprint_Differs_WhenAnyPartsDirectoryDiffers()
    {
        using var folder = new TemporaryFolder();
        WriteSet(folder);
        using var model = ModelFile.Open(PathOf(folder, 1));
        using var again = ModelFile.Open(PathOf(folder, 3));
        folder.Write(
            "tiny-00003-of-00003.gguf",
            Part(2, name => name.StartsWith("blk.1", StringComparison.Ordinal)).AddString("general.note", "other").Build());
        using var other = ModelFile.Open(PathOf(folder, 1));

        Assert.Equal(model.Fingerprint, again.Fingerprint);
        Assert.NotEqual(model.Fingerprint, other.Fingerprint);
    }

    // The first part has the metadata and no layer, as some tools write it.
    private static void WriteSet(TemporaryFolder folder)
    {
        var first = GgufBuilder.TinyLlama(2, name => !name.StartsWith("blk", StringComparison.Ordinal));
        folder.Write("tiny-00001-of-00003.gguf", AddSplit(first, 0).Build());
        folder.Write("tiny-00002-of-00003.gguf", Part(1, name => name.StartsWith("blk.0", StringComparison.Ordinal)).Build());
        folder.Write("tiny-00003-of-00003.gguf", Part(2, name => name.StartsWith("blk.1", StringComparison.Ordinal)).Build());
    }

    private static GgufBuilder Part(ushort number, Func<string, bool> include) => AddSplit(GgufBuilder.TinyLlama(2, include), number);

    private static GgufBuilder AddSplit(GgufBuilder builder, ushort number) => builder
        .AddUInt16("split.no", number)
        .AddUInt16("split.count", 3)
        .AddInt32("split.tensors.count", TensorCount);

    private static string PathOf(TemporaryFolder folder, int part) => Path.Combine(folder.Path, $"tiny-0000{part}-of-00003.gguf");

    private static void Expect(string path, ModelFault fault, params string[] named)
    {
        var error = Assert.Throws<ModelException>(() => ModelFile.Open(path));

        Assert.Equal(fault, error.Fault);
        Assert.All(named, part => Assert.Contains(part, error.Message, StringComparison.Ordinal));
    }
}
