using NativeSplit.Kernels.AdvSimd;
using NativeSplit.Kernels.Avx2;
using NativeSplit.Kernels.Avx512;
using NativeSplit.Kernels.Formats;
using NativeSplit.Kernels.Memory;
using NativeSplit.Kernels.Scalar;

namespace NativeSplit.Kernels.Tests;

/// <summary>The sets every suite runs on, and matrices of random stored weights.</summary>
public static class KernelSetCases
{
    /// <summary>Names of all sets. .NET emulates the vectors of AVX-512 on a processor with AVX2, and those of AdvSimd on any.</summary>
    public static TheoryData<string> Names => ["scalar", "avx2", "avx512", "advsimd"];

    /// <summary>Names of the sets that promise the same bits in every operation.</summary>
    public static TheoryData<string> SimdNames => ["avx2", "avx512", "advsimd"];

    public static TheoryData<string, WeightType> NamesAndTypes
    {
        get
        {
            TheoryData<string, WeightType> data = [];
            foreach (string name in (string[])["scalar", "avx2", "avx512", "advsimd"])
            {
                foreach (WeightType type in BlockFormat.Supported)
                {
                    data.Add(name, type);
                }
            }

            return data;
        }
    }

    public static KernelSet Scalar { get; } = new ScalarKernels();

    public static KernelSet Get(string name)
    {
        KernelSet set = name switch
        {
            "scalar" => Scalar,
            "avx2" => new Avx2Kernels(),
            "avx512" => new Avx512Kernels(),
            "advsimd" => new AdvSimdKernels(),
            _ => throw new ArgumentOutOfRangeException(nameof(name), name, null),
        };
        bool isEmulated = name == "advsimd" || (name == "avx512" && new Avx2Kernels().IsSupported);
        Assert.SkipUnless(set.IsSupported || isEmulated, $"skipped: no {name} on this processor");
        return set;
    }

    /// <summary>Columns that suit a type: several multiples of the block, and for float types every kind of rest.</summary>
    public static int[] ColumnsFor(WeightType type) => BlockFormat.Of(type).BlockLength switch
    {
        1 => [1, 7, 8, 15, 31, 32, 33, 40, 96, 111, 160, 352],
        32 => [32, 96, 160, 352],
        _ => [256, 768],
    };

    public static float[] RandomFloats(Random random, int count, float scale = 1f)
    {
        float[] values = new float[count];
        for (int i = 0; i < count; i++)
        {
            values[i] = (float)((random.NextDouble() * 2) - 1) * scale;
        }

        return values;
    }

    /// <summary>A matrix of random bits whose scales are finite and moderate, so that every row has a finite product.</summary>
    public static (NativeMemoryRegion Region, WeightMatrix Matrix) RandomMatrix(Random random, WeightType type, int rows, int columns)
    {
        BlockFormat format = BlockFormat.Of(type);
        long bytes = format.RowBytes(columns) * rows;
        var region = NativeMemoryRegion.Allocate(bytes);
        Span<byte> stored = region.BorrowWritable(0, (int)bytes);
        random.NextBytes(stored);
        for (int block = 0; block < stored.Length; block += format.BlockBytes)
        {
            foreach (int offset in FloatOffsets(type))
            {
                WriteModerate(random, type, stored[(block + offset)..]);
            }
        }

        return (region, new WeightMatrix(region, 0, type, rows, columns));
    }

    /// <summary>A matrix whose bytes are all the same, but for scales of one.</summary>
    public static (NativeMemoryRegion Region, WeightMatrix Matrix) FilledMatrix(WeightType type, int rows, int columns, byte fill)
    {
        BlockFormat format = BlockFormat.Of(type);
        int bytes = (int)format.RowBytes(columns) * rows;
        var region = NativeMemoryRegion.Allocate(bytes);
        Span<byte> stored = region.BorrowWritable(0, bytes);
        stored.Fill(fill);
        for (int block = 0; block < stored.Length; block += format.BlockBytes)
        {
            foreach (int offset in FloatOffsets(type))
            {
                BitConverter.TryWriteBytes(stored[(block + offset)..], Half.One);
            }
        }

        return (region, new WeightMatrix(region, 0, type, rows, columns));
    }

    /// <summary>A matrix of any bits; scales may be kept finite, subnormal ones among them.</summary>
    public static (NativeMemoryRegion Region, WeightMatrix Matrix) RandomBitsMatrix(Random random, WeightType type, int rows, int columns, bool finite)
    {
        BlockFormat format = BlockFormat.Of(type);
        int bytes = (int)format.RowBytes(columns) * rows;
        var region = NativeMemoryRegion.Allocate(bytes);
        Span<byte> stored = region.BorrowWritable(0, bytes);
        random.NextBytes(stored);
        for (int block = 0; finite && block < stored.Length; block += format.BlockBytes)
        {
            foreach (int offset in FloatOffsets(type))
            {
                stored[block + offset + 1] &= 0xBF;
            }
        }

        return (region, new WeightMatrix(region, 0, type, rows, columns));
    }

    private static int[] FloatOffsets(WeightType type) => type switch
    {
        WeightType.Q4_1 or WeightType.Q5_1 or WeightType.Q4_K or WeightType.Q5_K => [0, 2],
        WeightType.Q2_K => [80, 82],
        WeightType.Q3_K => [108],
        WeightType.Q6_K => [208],
        _ => [0],
    };

    private static void WriteModerate(Random random, WeightType type, Span<byte> destination)
    {
        float value = (float)((random.NextDouble() * 2) - 1);
        if (type == WeightType.F32)
        {
            BitConverter.TryWriteBytes(destination, value);
        }
        else if (type == WeightType.BF16)
        {
            BitConverter.TryWriteBytes(destination, (ushort)(BitConverter.SingleToUInt32Bits(value) >> 16));
        }
        else
        {
            BitConverter.TryWriteBytes(destination, (Half)(value * 0.1f));
        }
    }
}
