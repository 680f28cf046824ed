using NativeSplit.Kernels.Formats;

namespace NativeSplit.Kernels.Tests.Kernels;

/// <summary>Widening of the SIMD sets against the scalar set, which the golden vectors hold.</summary>
public sealed class DequantizeTests
{
    [Theory]
    [MemberData(nameof(KernelSetCases.NamesAndTypes), MemberType = typeof(KernelSetCases))]
    public void DequantizeRow_EqualsScalar_ForRandomBlocks(string kernels, WeightType type)
    {
        KernelSet set = KernelSetCases.Get(kernels);
        var random = new Random(11);
        foreach (int columns in KernelSetCases.ColumnsFor(type))
        {
            var (region, matrix) = KernelSetCases.RandomMatrix(random, type, rows: 3, columns);
            using (region)
            {
                float[] expected = new float[columns];
                float[] actual = new float[columns];
                for (int row = 0; row < matrix.Rows; row++)
                {
                    KernelSetCases.Scalar.DequantizeRow(matrix, row, expected);
                    set.DequantizeRow(matrix, row, actual);
                    Bits.AssertEqual(expected, actual, $"{type} [{columns}] row {row}");
                }
            }
        }
    }

    [Theory]
    [MemberData(nameof(KernelSetCases.Names), MemberType = typeof(KernelSetCases))]
    public void DequantizeRow_WidensEveryHalf_AsDotNetDoes(string kernels)
    {
        KernelSet set = KernelSetCases.Get(kernels);
        const int Count = 65536;
        using var region = NativeSplit.Kernels.Memory.NativeMemoryRegion.Allocate(2 * Count);
        Span<byte> stored = region.BorrowWritable(0, 2 * Count);
        float[] expected = new float[Count];
        for (int i = 0; i < Count; i++)
        {
            BitConverter.TryWriteBytes(stored[(2 * i)..], (ushort)i);
            expected[i] = (float)BitConverter.UInt16BitsToHalf((ushort)i);
        }

        float[] actual = new float[Count];
        set.DequantizeRow(new WeightMatrix(region, 0, WeightType.F16, 1, Count), 0, actual);
        Bits.AssertEqual(expected, actual, "F16");
    }

    [Theory]
    [MemberData(nameof(KernelSetCases.Names), MemberType = typeof(KernelSetCases))]
    public void DequantizeRow_Refuses_WrongRowOrLength(string kernels)
    {
        KernelSet set = KernelSetCases.Get(kernels);
        var (region, matrix) = KernelSetCases.RandomMatrix(new Random(1), WeightType.Q8_0, 2, 32);
        using (region)
        {
            Assert.Throws<ArgumentOutOfRangeException>(() => set.DequantizeRow(matrix, 2, new float[32]));
            Assert.Throws<ArgumentOutOfRangeException>(() => set.DequantizeRow(matrix, -1, new float[32]));
            Assert.Throws<ArgumentException>(() => set.DequantizeRow(matrix, 0, new float[31]));
        }

        Assert.Throws<ObjectDisposedException>(() => set.DequantizeRow(matrix, 0, new float[32]));
    }
}
