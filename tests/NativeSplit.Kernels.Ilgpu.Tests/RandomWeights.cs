using NativeSplit.Kernels.Formats;
using NativeSplit.Kernels.Memory;

namespace NativeSplit.Kernels.Ilgpu.Tests;

/// <summary>Matrices of random stored weights with moderate scales, and random floats.</summary>
internal static class RandomWeights
{
    public static float[] Floats(Random random, int count, float scale = 1f)
    {
        float[] values = new float[count];
        foreach (ref float value in values.AsSpan())
        {
            value = (float)((random.NextDouble() * 2) - 1) * scale;
        }

        return values;
    }

    public static (NativeMemoryRegion Region, WeightMatrix Matrix) Matrix(Random random, WeightType type, int rows, int columns)
    {
        BlockFormat format = BlockFormat.Of(type);
        int bytes = (int)format.RowBytes(columns) * rows;
        var region = NativeMemoryRegion.Allocate(bytes);
        Span<byte> stored = region.BorrowWritable(0, bytes);
        random.NextBytes(stored);
        for (int block = 0; block < bytes; block += format.BlockBytes)
        {
            foreach (int offset in (int[])(type switch { WeightType.Q4_K => [0, 2], WeightType.Q6_K => [208], _ => [0] }))
            {
                Write((float)((random.NextDouble() * 2) - 1), type, stored[(block + offset)..]);
            }
        }

        return (region, new WeightMatrix(region, 0, type, rows, columns));
    }

    private static void Write(float value, WeightType type, Span<byte> destination)
    {
        Assert.True(type switch
        {
            WeightType.F32 => BitConverter.TryWriteBytes(destination, value),
            WeightType.BF16 => BitConverter.TryWriteBytes(destination, (ushort)(BitConverter.SingleToUInt32Bits(value) >> 16)),
            _ => BitConverter.TryWriteBytes(destination, (Half)(value * 0.1f)),
        });
    }
}
