namespace NativeSplit.Kernels.Tests;

/// <summary>Keys and values in and out of a page, against the definition of each type.</summary>
public sealed class KeyValuePageTests
{
    private const int Positions = KeyValuePage.Positions;

    public static TheoryData<KeyValueType> Types => [KeyValueType.F32, KeyValueType.F16, KeyValueType.Q8_0];

    [Theory]
    [MemberData(nameof(Types))]
    public void Store_ComesBackWithinTheTypesRounding_ForEveryHeadSize(KeyValueType type)
    {
        var random = new Random(71);
        foreach (int headSize in (int[])[1, 8, 16, 20, 32, 40, 64, 96, 128, 256])
        {
            byte[] keys = new byte[KeyValuePage.HeadBytes(type, headSize)];
            byte[] values = new byte[keys.Length];
            float[][] rows = [.. Enumerable.Range(0, Positions).Select(i => KernelSetCases.RandomFloats(random, headSize, MathF.Pow(10, (i % 9) - 4)))];
            foreach (int position in Enumerable.Range(0, Positions).OrderBy(i => i * 7 % Positions))
            {
                KeyValuePage.StoreKey(type, rows[position], position, keys);
                KeyValuePage.StoreValue(type, rows[position], position, values);
            }

            float[] room = new float[headSize * Positions];
            var widenedKeys = KeyValuePage.WidenKeys(type, keys, headSize, room).ToArray();
            var widenedValues = KeyValuePage.WidenValues(type, values, headSize, room).ToArray();
            for (int position = 0; position < Positions; position++)
            {
                for (int i = 0; i < headSize; i++)
                {
                    float x = rows[position][i];
                    float value = widenedValues[(position * headSize) + i];
                    Assert.Equal(value, widenedKeys[(i * Positions) + position]);
                    float[] block = [.. rows[position].Skip(i / 32 * 32).Take(32)];
                    double step = block.Max(MathF.Abs) / 127.0;
                    double tolerance = type switch
                    {
                        KeyValueType.F32 => 0,
                        KeyValueType.F16 => Math.Max(Math.Abs(x) * Math.ScaleB(1, -11), Math.ScaleB(1, -25)),

                        // Half a step; the greatest element may be off by the rounding of the scale, half of 2⁻¹⁰ or, for the smallest
                        // scales, of 2⁻²⁴, times 127.
                        _ => (0.5 * step) + (127 * Math.Max(step * Math.ScaleB(1, -11), Math.ScaleB(1, -25))),
                    };
                    Assert.True(Math.Abs(x - value) <= tolerance, $"head {headSize} position {position} element {i}: {x} {value}");
                }
            }
        }
    }

    [Theory]
    [InlineData(float.NaN)]
    [InlineData(float.PositiveInfinity)]
    [InlineData(1e9f)]
    public void Store_MakesTheBlockNaN_WhenAnElementDoesNotFitQ8(float bad)
    {
        float[] row = new float[64];
        row[5] = bad;
        row[40] = 1f;
        byte[] page = new byte[KeyValuePage.HeadBytes(KeyValueType.Q8_0, 64)];
        KeyValuePage.StoreValue(KeyValueType.Q8_0, row, 2, page);
        float[] room = new float[64 * Positions];
        var values = KeyValuePage.WidenValues(KeyValueType.Q8_0, page, 64, room).Slice(2 * 64, 64);
        Assert.True(float.IsNaN(values[5]));
        Assert.True(float.IsNaN(values[6]));
        Assert.Equal(1f, values[40], 1e-3f);
    }

    [Fact]
    public void HeadBytes_IsThatOfTheFormat()
    {
        Assert.Equal(32 * 128 * 4, KeyValuePage.HeadBytes(KeyValueType.F32, 128));
        Assert.Equal(32 * 128 * 2, KeyValuePage.HeadBytes(KeyValueType.F16, 128));
        Assert.Equal(32 * 128 / 32 * 34, KeyValuePage.HeadBytes(KeyValueType.Q8_0, 128));
        Assert.Throws<ArgumentOutOfRangeException>(() => KeyValuePage.HeadBytes(KeyValueType.F16, 1025));
        Assert.Throws<ArgumentOutOfRangeException>(() => KeyValuePage.HeadBytes((KeyValueType)9, 64));
        Assert.Throws<ArgumentOutOfRangeException>(() => KeyValuePage.HeadBytes(KeyValueType.F32, 0));
    }

    [Fact]
    public void Store_Refuses_WrongLengthsAndPositions()
    {
        byte[] page = new byte[KeyValuePage.HeadBytes(KeyValueType.F16, 16)];
        float[] row = new float[16];
        Assert.Throws<ArgumentOutOfRangeException>(() => KeyValuePage.StoreKey(KeyValueType.F16, row, 32, page));
        Assert.Throws<ArgumentOutOfRangeException>(() => KeyValuePage.StoreValue(KeyValueType.F16, row, -1, page));
        Assert.Throws<ArgumentException>(() => KeyValuePage.StoreKey(KeyValueType.F32, row, 0, page));
        Assert.Throws<ArgumentException>(() => KeyValuePage.StoreValue(KeyValueType.F16, row.AsSpan(1), 0, page));
    }
}
