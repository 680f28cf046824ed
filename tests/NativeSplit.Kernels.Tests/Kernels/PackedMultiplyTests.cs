using NativeSplit.Kernels.Formats;
using NativeSplit.Kernels.Memory;
using NativeSplit.Kernels.Threading;

namespace NativeSplit.Kernels.Tests.Kernels;

/// <summary>Integer products of packed weights: against double precision, and the same bits for every set, batch and part.</summary>
public sealed class PackedMultiplyTests
{
    private const float Untouched = -12345.5f;

    public static TheoryData<string, WeightType> NamesAndPackedTypes
    {
        get
        {
            TheoryData<string, WeightType> data = [];
            foreach (string name in (string[])["scalar", "avx2", "avx512", "advsimd"])
            {
                foreach (WeightType type in BlockFormat.Supported.Where(PackedWeights.Supports))
                {
                    data.Add(name, type);
                }
            }

            return data;
        }
    }

    [Theory]
    [MemberData(nameof(NamesAndPackedTypes))]
    public void Multiply_IsWithinRoundingOfDouble_OnTheQuantisedActivations(string kernels, WeightType type)
    {
        KernelSet set = KernelSetCases.Get(kernels);
        using ThreadTeam team = ThreadTeam.Create(2);
        var random = new Random(71);
        foreach (int columns in KernelSetCases.ColumnsFor(type))
        {
            const int Rows = 19;
            const int Inputs = 6;
            var (region, matrix) = KernelSetCases.RandomMatrix(random, type, Rows, columns);
            using (region)
            using (PackedWeights packed = PackedWeights.Pack(matrix, team))
            {
                byte[] x = Quantized(set, KernelSetCases.RandomFloats(random, Inputs * columns));
                float[] widened = Widened(x);
                float[] y = new float[Inputs * Rows];
                float[] row = new float[columns];
                set.Multiply(packed, 0, Rows, x, Inputs, y);
                for (int r = 0; r < Rows; r++)
                {
                    KernelSetCases.Scalar.DequantizeRow(matrix, r, row);
                    for (int t = 0; t < Inputs; t++)
                    {
                        var (sum, magnitude) = DoubleDot(row, widened.AsSpan(t * columns, columns), type, matrix, r);

                        // Three roundings per block (scale, product, sum), doubled for the minimum; five in each widened
                        // weight and activation of the reference. All relative to Σ|w·x|, eps = 2^-24.
                        double tolerance = ((2 * columns / 32) + 12) * Math.ScaleB(1, -24) * magnitude;
                        Assert.True(Math.Abs(sum - y[(t * Rows) + r]) <= tolerance, $"{type} [{columns}] row {r} input {t}: {y[(t * Rows) + r]} for {sum}, allowed {tolerance}");
                    }
                }
            }
        }
    }

    [Theory]
    [MemberData(nameof(NamesAndPackedTypes))]
    public void Multiply_GivesScalarBits_ForEveryBatchAndPart(string kernels, WeightType type)
    {
        KernelSet set = KernelSetCases.Get(kernels);
        using ThreadTeam team = ThreadTeam.Create(1);
        var random = new Random(72);
        foreach (int columns in KernelSetCases.ColumnsFor(type))
        {
            const int Rows = 35;
            const int Inputs = 11;
            var (region, matrix) = KernelSetCases.RandomMatrix(random, type, Rows, columns);
            using (region)
            using (PackedWeights packed = PackedWeights.Pack(matrix, team))
            {
                byte[] x = Quantized(KernelSetCases.Scalar, KernelSetCases.RandomFloats(random, Inputs * columns));
                int rowBytes = Int8Rows.RowBytes(columns);
                float[] expected = new float[Inputs * Rows];
                KernelSetCases.Scalar.Multiply(packed, 0, Rows, x, Inputs, expected);
                foreach (int batch in (int[])[1, 2, 3, 4, 5, 7, 11])
                {
                    foreach (var (first, count) in ((int, int)[])[(0, Rows), (0, 8), (8, 16), (16, 19), (32, 3)])
                    {
                        for (int start = 0; start + batch <= Inputs; start += batch)
                        {
                            float[] y = new float[batch * Rows];
                            Array.Fill(y, Untouched);
                            set.Multiply(packed, first, count, x.AsSpan(start * rowBytes, batch * rowBytes), batch, y);
                            for (int t = 0; t < batch; t++)
                            {
                                Bits.AssertEqual(
                                    expected.AsSpan(((start + t) * Rows) + first, count),
                                    y.AsSpan((t * Rows) + first, count),
                                    $"{type} [{columns}] batch {batch} part {first}+{count} input {start + t}");
                                Assert.All(y.AsSpan(t * Rows, first).ToArray(), value => Assert.Equal(Untouched, value));
                                Assert.All(y.AsSpan((t * Rows) + first + count, Rows - first - count).ToArray(), value => Assert.Equal(Untouched, value));
                            }
                        }
                    }
                }
            }
        }
    }

    [Theory]
    [MemberData(nameof(NamesAndPackedTypes))]
    public void Multiply_GivesScalarBits_WhenColumnsAndInputsAreMany(string kernels, WeightType type)
    {
        // More columns than are unpacked at a time, with a rest, and more inputs than are taken together.
        KernelSet set = KernelSetCases.Get(kernels);
        using ThreadTeam team = ThreadTeam.Create(1);
        var random = new Random(76);
        int columns = BlockFormat.Of(type).BlockLength == 32 ? 2400 : 2560;
        const int Rows = 24;
        const int Inputs = 135;
        var (region, matrix) = KernelSetCases.RandomMatrix(random, type, Rows, columns);
        using (region)
        using (PackedWeights packed = PackedWeights.Pack(matrix, team))
        {
            byte[] x = Quantized(KernelSetCases.Scalar, KernelSetCases.RandomFloats(random, Inputs * columns));
            float[] expected = new float[Inputs * Rows];
            KernelSetCases.Scalar.Multiply(packed, 0, Rows, x, Inputs, expected);
            foreach (int inputs in (int[])[1, 6, 64, Inputs])
            {
                float[] y = new float[inputs * Rows];
                set.Multiply(packed, 0, Rows, x.AsSpan(0, inputs * Int8Rows.RowBytes(columns)), inputs, y);
                Bits.AssertEqual(expected.AsSpan(0, inputs * Rows), y, $"{type} batch {inputs}");
            }
        }
    }

    [Theory]
    [MemberData(nameof(NamesAndPackedTypes))]
    public void Multiply_IsExact_WhenEveryByteIsExtreme(string kernels, WeightType type)
    {
        // All bits set or none, the top bit of every byte or its rest; activations all at ±127: sums reach the bounds that
        // 16-bit lanes must hold. Scales that are not numbers would hide it, so they are one.
        KernelSet set = KernelSetCases.Get(kernels);
        using ThreadTeam team = ThreadTeam.Create(1);
        foreach (byte fill in (byte[])[0x00, 0xFF, 0x80, 0x7F, 0x0F, 0xF0])
        {
            var (region, matrix) = KernelSetCases.FilledMatrix(type, 8, 256, fill);
            using (region)
            using (PackedWeights packed = PackedWeights.Pack(matrix, team))
            {
                foreach (int period in (int[])[int.MaxValue, 1, 2, 16])
                {
                    float[] x = [.. Enumerable.Range(0, 4 * 256).Select(i => i / period % 2 == 0 ? 127f : -127f)];
                    byte[] quantized = Quantized(set, x);
                    float[] expected = new float[4 * 8];
                    float[] y = new float[4 * 8];
                    KernelSetCases.Scalar.Multiply(packed, 0, 8, quantized, 4, expected);
                    set.Multiply(packed, 0, 8, quantized, 4, y);
                    Bits.AssertEqual(expected, y, $"{type} of 0x{fill:X2}, sign every {period}");
                    float[] row = new float[256];
                    KernelSetCases.Scalar.DequantizeRow(matrix, 0, row);
                    double sum = 0, magnitude = 0;
                    for (int c = 0; c < 256; c++)
                    {
                        sum += (double)row[c] * x[c];
                        magnitude += Math.Abs((double)row[c] * x[c]);
                    }

                    Assert.Equal(sum, y[0], (magnitude + 1) * 64 * Math.ScaleB(1, -24) * 64);
                }
            }
        }
    }

    [Theory]
    [MemberData(nameof(NamesAndPackedTypes))]
    public void Multiply_GivesNaN_WhereAnInputIsNotFinite_AndNowhereElse(string kernels, WeightType type)
    {
        KernelSet set = KernelSetCases.Get(kernels);
        using ThreadTeam team = ThreadTeam.Create(1);
        var random = new Random(73);
        var (region, matrix) = KernelSetCases.RandomMatrix(random, type, 9, 256);
        using (region)
        using (PackedWeights packed = PackedWeights.Pack(matrix, team))
        {
            foreach (float bad in (float[])[float.NaN, float.PositiveInfinity, float.NegativeInfinity])
            {
                float[] x = KernelSetCases.RandomFloats(random, 5 * 256);
                x[256 + 77] = bad;
                float[] y = new float[5 * 9];
                set.Multiply(packed, 0, 9, Quantized(set, x), 5, y);
                for (int i = 0; i < y.Length; i++)
                {
                    Assert.Equal(i / 9 == 1, float.IsNaN(y[i]));
                }
            }
        }
    }

    [Theory]
    [MemberData(nameof(NamesAndPackedTypes))]
    public void Multiply_GivesScalarResults_WhenWeightsAreAnyBits(string kernels, WeightType type)
    {
        // Scales may be subnormal, then infinite or NaN too. The bits of a NaN are free.
        KernelSet set = KernelSetCases.Get(kernels);
        using ThreadTeam team = ThreadTeam.Create(1);
        var random = new Random(75);
        foreach (bool finite in (bool[])[true, false])
        {
            var (region, matrix) = KernelSetCases.RandomBitsMatrix(random, type, 88, 768, finite);
            using (region)
            using (PackedWeights packed = PackedWeights.Pack(matrix, team))
            {
                Assert.Equal(finite, packed.HasFiniteScales);
                byte[] x = Quantized(set, KernelSetCases.RandomFloats(random, 5 * 768));
                float[] expected = new float[5 * 88];
                float[] y = new float[5 * 88];
                KernelSetCases.Scalar.Multiply(packed, 0, 88, x, 5, expected);
                set.Multiply(packed, 0, 88, x, 5, y);
                Assert.Equal(expected, y);
                Assert.Equal(finite, !y.Any(float.IsNaN));
            }
        }
    }

    [Fact]
    public void Multiply_Refuses_WrongArguments()
    {
        KernelSet set = KernelSetCases.Scalar;
        using ThreadTeam team = ThreadTeam.Create(1);
        var (region, matrix) = KernelSetCases.RandomMatrix(new Random(74), WeightType.Q8_0, 20, 32);
        using NativeMemoryRegion owner = region;
        PackedWeights packed = PackedWeights.Pack(matrix, team);
        byte[] x = new byte[Int8Rows.RowBytes(32)];
        float[] y = new float[20];
        Assert.Throws<ArgumentNullException>(() => set.Multiply(null!, 0, 20, x, 1, y));
        Assert.Throws<ArgumentException>(() => set.Multiply(packed, 4, 16, x, 1, y));
        Assert.Throws<ArgumentException>(() => set.Multiply(packed, 0, 10, x, 1, y));
        Assert.Throws<ArgumentOutOfRangeException>(() => set.Multiply(packed, 8, 13, x, 1, y));
        Assert.Throws<ArgumentOutOfRangeException>(() => set.Multiply(packed, -8, 8, x, 1, y));
        Assert.Throws<ArgumentException>(() => set.Multiply(packed, 0, 20, x, 2, y));
        Assert.Throws<ArgumentException>(() => set.Multiply(packed, 0, 20, x, 1, new float[19]));
        set.Multiply(packed, 16, 0, x, 1, y);
        Assert.All(y, value => Assert.Equal(0f, value));
        packed.Dispose();
        packed.Dispose();
        Assert.Throws<ObjectDisposedException>(() => set.Multiply(packed, 0, 20, x, 1, y));
    }

    internal static byte[] Quantized(KernelSet set, ReadOnlySpan<float> x)
    {
        byte[] quantized = new byte[Int8Rows.RowBytes(x.Length)];
        set.Quantize(x, quantized);
        return quantized;
    }

    internal static float[] Widened(ReadOnlySpan<byte> quantized)
    {
        List<float> values = [];
        for (; !quantized.IsEmpty; quantized = quantized[Int8Rows.BlockBytes..])
        {
            for (int i = 0; i < Int8Rows.BlockLength; i++)
            {
                values.Add((sbyte)quantized[i] * BitConverter.ToSingle(quantized[32..]));
            }
        }

        return [.. values];
    }

    // The magnitude of a weight with a minimum is that of its two terms, which may cancel.
    private static (double Sum, double Magnitude) DoubleDot(ReadOnlySpan<float> row, ReadOnlySpan<float> x, WeightType type, WeightMatrix matrix, int r)
    {
        double sum = 0, magnitude = 0;
        for (int c = 0; c < row.Length; c++)
        {
            double offset = 0;
            if (type is WeightType.Q4_K or WeightType.Q5_K)
            {
                offset = 63 * Math.Abs((double)(float)BitConverter.ToHalf(matrix.BorrowRow(r)[((c / 256 * matrix.Format.BlockBytes) + 2)..]));
            }

            sum += (double)row[c] * x[c];
            magnitude += (Math.Abs(row[c]) + (2 * offset)) * Math.Abs(x[c]);
        }

        return (sum, magnitude);
    }
}
