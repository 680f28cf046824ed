using NativeSplit.Kernels.Formats;

namespace NativeSplit.Kernels.Tests.Kernels;

/// <summary>Products against double precision, and the promises of a split model: the batch and the part don't matter.</summary>
public sealed class MultiplyTests
{
    private const float Untouched = -12345.5f;

    [Theory]
    [MemberData(nameof(KernelSetCases.NamesAndTypes), MemberType = typeof(KernelSetCases))]
    public void Multiply_IsWithinRoundingOfDouble_ForEveryShape(string kernels, WeightType type)
    {
        KernelSet set = KernelSetCases.Get(kernels);
        var random = new Random(21);
        foreach (int columns in KernelSetCases.ColumnsFor(type))
        {
            const int Rows = 5;
            const int Inputs = 6;
            var (region, matrix) = KernelSetCases.RandomMatrix(random, type, Rows, columns);
            using (region)
            {
                float[] x = KernelSetCases.RandomFloats(random, Inputs * columns);
                float[] y = new float[Inputs * Rows];
                float[] row = new float[columns];
                set.Multiply(matrix, 0, Rows, x, Inputs, y, new float[columns]);
                for (int r = 0; r < Rows; r++)
                {
                    KernelSetCases.Scalar.DequantizeRow(matrix, r, row);
                    for (int t = 0; t < Inputs; t++)
                    {
                        double sum = 0, magnitude = 0;
                        for (int c = 0; c < columns; c++)
                        {
                            double term = (double)row[c] * x[(t * columns) + c];
                            sum += term;
                            magnitude += Math.Abs(term);
                        }

                        // Standard bound of a sum of n products: n·eps·Σ|w·x| (Higham 2002, eq. 3.5), eps = 2^-24.
                        double tolerance = columns * Math.ScaleB(1, -24) * magnitude;
                        double difference = Math.Abs(sum - y[(t * Rows) + r]);
                        Assert.True(difference <= tolerance, $"{type} [{columns}] row {r} input {t}: off by {difference}, allowed {tolerance}");
                    }
                }
            }
        }
    }

    [Theory]
    [MemberData(nameof(KernelSetCases.NamesAndTypes), MemberType = typeof(KernelSetCases))]
    public void Multiply_GivesScalarBits_ForEveryBatchAndPart(string kernels, WeightType type)
    {
        KernelSet set = KernelSetCases.Get(kernels);
        var random = new Random(22);
        foreach (int columns in KernelSetCases.ColumnsFor(type))
        {
            const int Rows = 7;
            const int Inputs = 9;
            var (region, matrix) = KernelSetCases.RandomMatrix(random, type, Rows, columns);
            using (region)
            {
                float[] x = KernelSetCases.RandomFloats(random, Inputs * columns);
                float[] scratch = new float[columns];
                float[] expected = new float[Inputs * Rows];
                KernelSetCases.Scalar.Multiply(matrix, 0, Rows, x, Inputs, expected, scratch);
                foreach (int batch in (int[])[1, 2, 3, 4, 5, 9])
                {
                    foreach (var (first, count) in ((int, int)[])[(0, Rows), (0, 3), (3, 4), (6, 1)])
                    {
                        for (int start = 0; start + batch <= Inputs; start += batch)
                        {
                            float[] y = new float[batch * Rows];
                            Array.Fill(y, Untouched);
                            set.Multiply(matrix, first, count, x.AsSpan(start * columns, batch * columns), batch, y, scratch);
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
    [MemberData(nameof(KernelSetCases.Names), MemberType = typeof(KernelSetCases))]
    public void Multiply_GivesTheBitsOfOneInput_WhenInputsFillSeveralTiles(string kernels)
    {
        KernelSet set = KernelSetCases.Get(kernels);
        const int Columns = 8192;
        const int Inputs = 19;
        var random = new Random(23);
        var (region, matrix) = KernelSetCases.RandomMatrix(random, WeightType.Q4_0, 2, Columns);
        using (region)
        {
            float[] x = KernelSetCases.RandomFloats(random, Inputs * Columns);
            float[] together = new float[Inputs * 2];
            float[] alone = new float[2];
            float[] scratch = new float[Columns];
            set.Multiply(matrix, 0, 2, x, Inputs, together, scratch);
            for (int t = 0; t < Inputs; t++)
            {
                set.Multiply(matrix, 0, 2, x.AsSpan(t * Columns, Columns), 1, alone, scratch);
                Bits.AssertEqual(alone, together.AsSpan(2 * t, 2), $"input {t}");
            }
        }
    }

    [Theory]
    [MemberData(nameof(KernelSetCases.Names), MemberType = typeof(KernelSetCases))]
    public void Multiply_ReadsARowThatEndsAtTheRegion_WithoutReadingOn(string kernels)
    {
        // A mapped file ends at a page: the last row must not be read past its end. One page of rows fills the map.
        KernelSet set = KernelSetCases.Get(kernels);
        string path = Path.Combine(Path.GetTempPath(), $"nativesplit-{Guid.NewGuid():N}.bin");
        int columns = Environment.SystemPageSize / 4;
        float[] stored = KernelSetCases.RandomFloats(new Random(24), columns);
        byte[] bytes = new byte[columns * 4];
        Conversion.WriteFloat32(stored, bytes);
        File.WriteAllBytes(path, bytes);
        try
        {
            using var file = NativeSplit.Kernels.Memory.MappedFile.Open(path);
            using var region = file.Map(0, file.Length);
            var matrix = new WeightMatrix(region, 0, WeightType.F32, 1, columns);
            float[] y = new float[1];
            float[] ones = new float[columns];
            Array.Fill(ones, 1f);
            set.Multiply(matrix, 0, 1, ones, 1, y, new float[columns]);
            Assert.Equal(stored.Sum(value => (double)value), y[0], columns * Math.ScaleB(1, -24) * stored.Sum(Math.Abs));
        }
        finally
        {
            File.Delete(path);
        }
    }

    [Theory]
    [MemberData(nameof(KernelSetCases.Names), MemberType = typeof(KernelSetCases))]
    public void Multiply_DoesNothing_ForNoRowsOrNoInputs(string kernels)
    {
        KernelSet set = KernelSetCases.Get(kernels);
        var (region, matrix) = KernelSetCases.RandomMatrix(new Random(25), WeightType.Q8_0, 3, 32);
        using (region)
        {
            float[] y = [Untouched, Untouched, Untouched];
            set.Multiply(matrix, 3, 0, new float[32], 1, y, new float[32]);
            set.Multiply(matrix, 0, 3, [], 0, [], new float[32]);
            Assert.All(y, value => Assert.Equal(Untouched, value));
        }
    }

    [Theory]
    [MemberData(nameof(KernelSetCases.Names), MemberType = typeof(KernelSetCases))]
    public void Multiply_Refuses_WrongArguments(string kernels)
    {
        KernelSet set = KernelSetCases.Get(kernels);
        var (region, matrix) = KernelSetCases.RandomMatrix(new Random(26), WeightType.Q8_0, 3, 32);
        float[] x = new float[64];
        float[] y = new float[6];
        float[] scratch = new float[32];
        using (region)
        {
            Assert.Throws<ArgumentNullException>(() => set.Multiply(null!, 0, 3, x, 2, y, scratch));
            Assert.Throws<ArgumentOutOfRangeException>(() => set.Multiply(matrix, -1, 3, x, 2, y, scratch));
            Assert.Throws<ArgumentOutOfRangeException>(() => set.Multiply(matrix, 0, -1, x, 2, y, scratch));
            Assert.Throws<ArgumentOutOfRangeException>(() => set.Multiply(matrix, 1, 3, x, 2, y, scratch));
            Assert.Throws<ArgumentOutOfRangeException>(() => set.Multiply(matrix, 0, 3, x, -2, y, scratch));
            Assert.Throws<ArgumentException>(() => set.Multiply(matrix, 0, 3, x, 1, y, scratch));
            Assert.Throws<ArgumentException>(() => set.Multiply(matrix, 0, 3, x, 2, new float[5], scratch));
            Assert.Throws<ArgumentOutOfRangeException>(() => set.Multiply(matrix, 0, 3, x, 2, y, new float[31]));
            float[] shared = new float[96];
            Assert.Throws<ArgumentException>(() => set.Multiply(matrix, 0, 3, shared.AsSpan(0, 64), 2, shared.AsSpan(63, 6), scratch));
            Assert.Throws<ArgumentException>(() => set.Multiply(matrix, 0, 3, shared.AsSpan(0, 64), 2, y, shared.AsSpan(60, 32)));
            Assert.Throws<ArgumentException>(() => set.Multiply(matrix, 0, 3, x, 2, shared.AsSpan(0, 6), shared.AsSpan(5, 32)));
        }

        Assert.Throws<ObjectDisposedException>(() => set.Multiply(matrix, 0, 3, x, 2, y, scratch));
    }
}
