using NativeSplit.Model.Files.HuggingFace;
using NativeSplit.Testing;

namespace NativeSplit.Model.Tests.Files.HuggingFace;

public sealed class SafetensorsHeaderTests
{
    [Fact]
    public void Read_GivesNamesShapesAndPlaces()
    {
        byte[] file = new SafetensorsBuilder()
            .Add("a", "F32", [2, 3], new byte[24])
            .Add("scalar", "BF16", [], [1, 2])
            .Add("none", "I64", [0, 7], [])
            .Add("packed", "F4", [4, 2], [9, 9, 9, 9])
            .Build();

        var tensors = Read(file);

        long data = file.Length - 30;
        Assert.Equal(
            [("a", "F32", "2,3", data, 24L), ("scalar", "BF16", "", data + 24, 2L), ("none", "I64", "0,7", data + 26, 0L), ("packed", "F4", "4,2", data + 26, 4L)],
            tensors.Select(tensor => (tensor.Name, tensor.TypeName, string.Join(',', tensor.Shape), tensor.Offset, tensor.ByteLength)));
    }

    [Theory]
    [InlineData("""{"w":{"dtype":"F32","shape":[2],"data_offsets":[0,9]}}""", "'w'")]
    [InlineData("""{"w":{"dtype":"F32","shape":[2],"data_offsets":[8,16]}}""", "truncated")]
    [InlineData("""{"w":{"dtype":"F32","shape":[2],"data_offsets":[8,0]}}""", "data_offsets")]
    [InlineData("""{"w":{"dtype":"F32","shape":[2],"data_offsets":[-8,0]}}""", "data_offsets")]
    [InlineData("""{"w":{"dtype":"F32","shape":[2],"data_offsets":[0,99999999999999999999]}}""", "data_offsets")]
    [InlineData("""{"w":{"dtype":"F32","shape":[2],"data_offsets":[0]}}""", "data_offsets")]
    [InlineData("""{"w":{"dtype":"F32","shape":[2]}}""", "data_offsets")]
    [InlineData("""{"w":{"dtype":"F32","shape":[3],"data_offsets":[0,8]}}""", "F32 [3]")]
    [InlineData("""{"w":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,0]}}""", "'w'")]
    [InlineData("""{"w":{"dtype":"F32","shape":[4294967296,4294967296,0],"data_offsets":[0,8]}}""", "'w'")]
    [InlineData("""{"w":{"dtype":"F32","shape":[-2],"data_offsets":[0,8]}}""", "shape")]
    [InlineData("""{"w":{"dtype":"F32","shape":[1,1,1,1,1,1,1,1,2],"data_offsets":[0,8]}}""", "shape")]
    [InlineData("""{"w":{"dtype":"F32","data_offsets":[0,8]}}""", "shape")]
    [InlineData("""{"w":{"shape":[2],"data_offsets":[0,8]}}""", "dtype")]
    [InlineData("""{"w":{"dtype":5,"shape":[2],"data_offsets":[0,8]}}""", "dtype")]
    [InlineData("""{"w":7}""", "'w'")]
    [InlineData("""{"w":{"dtype":"U8","shape":[8],"data_offsets":[0,8]},"v":{"dtype":"U8","shape":[4],"data_offsets":[4,8]}}""", "overlap")]
    [InlineData("""{"w":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},"w":{"dtype":"U8","shape":[4],"data_offsets":[4,8]}}""", "JSON")]
    [InlineData("""{"\ud800":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}}""", "JSON")]
    [InlineData("""{"w":{"dtype":"\ud800","shape":[4],"data_offsets":[0,4]}}""", "JSON")]
    [InlineData("""[]""", "JSON")]
    [InlineData("""{"w":""", "JSON")]
    public void Read_IsCorruptAndSaysWhere_WhenTheHeaderIsWrong(string header, string named)
    {
        var error = Assert.Throws<ModelException>(() => Read(SafetensorsBuilder.Wrap(header, new byte[8])));

        Assert.Equal(ModelFault.Corrupt, error.Fault);
        Assert.All([named, "bad.safetensors"], part => Assert.Contains(part, error.Message, StringComparison.Ordinal));
    }

    [Fact]
    public void Read_IsUnsupportedAndNamesTheType_WhenItIsUnknown()
    {
        byte[] file = SafetensorsBuilder.Wrap("""{"w":{"dtype":"Q4","shape":[2],"data_offsets":[0,8]}}""", new byte[8]);

        var error = Assert.Throws<ModelException>(() => Read(file));

        Assert.Equal(ModelFault.Unsupported, error.Fault);
        Assert.Contains("'Q4'", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(ulong.MaxValue)]
    [InlineData((ulong)long.MaxValue)]
    [InlineData(1ul << 40)]
    [InlineData(100_000_001ul)]
    [InlineData(11ul)]
    [InlineData(0ul)]
    public void Read_RefusesWithoutAllocating_WhenTheLengthIsAbsurd(ulong length)
    {
        using var stream = new MemoryStream(SafetensorsBuilder.Wrap("{}", new byte[8], length));
        Assert.Throws<ModelException>(() => SafetensorsHeader.Read(stream, "bad.safetensors", hash: null));
        stream.Position = 0;

        long before = GC.GetAllocatedBytesForCurrentThread();
        Assert.Throws<ModelException>(() => SafetensorsHeader.Read(stream, "bad.safetensors", hash: null));
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 100_000);
    }

    [Fact]
    public void Read_IsCorrupt_WhenTheFileHasLessThanTheLength() =>
        Assert.Equal(ModelFault.Corrupt, Assert.Throws<ModelException>(() => Read([1, 2, 3])).Fault);

    [Fact]
    public void Read_GivesAHeaderOrAModelException_WhenTheHeaderIsDamaged()
    {
        byte[] whole = File.ReadAllBytes(TestData.PathOf("roadside", "hf", "model-00002-of-00002.safetensors"));
        int header = 8 + (int)BitConverter.ToUInt64(whole);
        byte[] file = [.. whole];
        int refused = 0;
        for (int seed = 0; seed < 3000; seed++)
        {
            var random = new Random(seed);
            int length = seed % 3 == 0 ? random.Next(header) : file.Length;
            for (int flips = random.Next(1, 5); flips > 0; flips--)
            {
                file[random.Next(header)] ^= (byte)(1 << random.Next(8));
            }

            try
            {
                SafetensorsHeader.Read(new MemoryStream(file, 0, length), "fuzzed.safetensors", hash: null);
            }
            catch (ModelException)
            {
                refused++;
            }
            catch (Exception error)
            {
                Assert.Fail($"seed {seed}: {error}");
            }

            whole.AsSpan(0, header).CopyTo(file);
        }

        Assert.InRange(refused, 1500, 2999);
    }

    private static IReadOnlyList<SafetensorsTensor> Read(byte[] file) => SafetensorsHeader.Read(new MemoryStream(file), "bad.safetensors", hash: null);
}
