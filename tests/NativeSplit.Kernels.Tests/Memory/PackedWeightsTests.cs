using NativeSplit.Kernels.Formats;
using NativeSplit.Kernels.Memory;
using NativeSplit.Kernels.Threading;

namespace NativeSplit.Kernels.Tests.Memory;

/// <summary>Packed matrices: what can be packed, how many bytes it takes, and that they come back.</summary>
[Collection(MemoryAccountingCollection.Name)]
public sealed class PackedWeightsTests : IDisposable
{
    private readonly long _live = MemoryAccounting.LiveBytes;

    public void Dispose() => Assert.Equal(_live, MemoryAccounting.LiveBytes);

    [Theory]
    [InlineData(WeightType.Q4_0, 18 * 8, 8)]
    [InlineData(WeightType.Q8_0, 34 * 8, 8)]
    [InlineData(WeightType.Q6_K, 210, 8)]
    [InlineData(WeightType.Q5_K, 180, 8)]
    [InlineData(WeightType.Q4_K, 148, 8)]
    [InlineData(WeightType.Q4_K, 148, 1)]
    [InlineData(WeightType.Q8_0, 34 * 8, 9)]
    public void Pack_TakesTheBytesOfWholePanels_AndGivesThemBack(WeightType type, int bytesPer256, int rows)
    {
        using ThreadTeam team = ThreadTeam.Create(3);
        var (region, matrix) = KernelSetCases.RandomMatrix(new Random(91), type, rows, 512);
        using (region)
        {
            long before = MemoryAccounting.LiveBytes;
            long expected = 2L * bytesPer256 * ((rows + 7) / 8 * 8);
            using PackedWeights packed = PackedWeights.Pack(matrix, team);
            Assert.Equal((type, rows, 512), (packed.Type, packed.Rows, packed.Columns));
            Assert.Equal(expected, packed.ByteLength);
            Assert.Equal(expected, PackedWeights.BytesOf(type, rows, 512));
            Assert.Equal(before + expected, MemoryAccounting.LiveBytes);
        }
    }

    [Fact]
    public void Pack_Refuses_OtherTypesAndReleasedWeights()
    {
        using ThreadTeam team = ThreadTeam.Create(1);
        Assert.Equal(
            [WeightType.Q4_0, WeightType.Q8_0, WeightType.Q4_K, WeightType.Q5_K, WeightType.Q6_K, WeightType.IQ4_NL],
            BlockFormat.Supported.Where(PackedWeights.Supports));
        var (region, matrix) = KernelSetCases.RandomMatrix(new Random(92), WeightType.Q4_1, 8, 32);
        Assert.Throws<ArgumentException>(() => PackedWeights.Pack(matrix, team));
        Assert.Throws<ArgumentException>(() => PackedWeights.BytesOf(WeightType.F32, 8, 32));
        Assert.Throws<ArgumentException>(() => PackedWeights.BytesOf(WeightType.Q4_K, 8, 128));
        region.Dispose();
        var (released, gone) = KernelSetCases.RandomMatrix(new Random(93), WeightType.Q4_0, 8, 32);
        released.Dispose();
        Assert.Throws<ObjectDisposedException>(() => PackedWeights.Pack(gone, team));
    }

    [Fact]
    public void Discard_LeavesTheContentsAsTheyAre()
    {
        string path = Path.Combine(Path.GetTempPath(), $"nativesplit-{Guid.NewGuid():N}.bin");
        byte[] content = new byte[(5 * Environment.SystemPageSize) + 100];
        new Random(94).NextBytes(content);
        File.WriteAllBytes(path, content);
        try
        {
            using MappedFile file = MappedFile.Open(path);
            using MappedRegion mapped = file.Map(4, content.Length - 4);
            var matrix = new WeightMatrix(mapped, 0, WeightType.F32, 2 * Environment.SystemPageSize / 4, 2);
            Assert.Equal(content.AsSpan(4), mapped.Borrow(0, content.Length - 4));
            matrix.Discard();
            Assert.Equal(content.AsSpan(4), mapped.Borrow(0, content.Length - 4));
            mapped.Dispose();
            Assert.Throws<ObjectDisposedException>(matrix.Discard);
        }
        finally
        {
            File.Delete(path);
        }
    }
}
