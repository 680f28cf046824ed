namespace NativeSplit.Kernels.Tests;

/// <summary>Conversions against <see cref="Half"/>, <see cref="BitConverter"/> and arithmetic in double precision.</summary>
public sealed class ConversionTests
{
    private const int Patterns = 65536;

    [Fact]
    public void FromFloat16_GivesDotNetsBits_ForEveryPattern()
    {
        ushort[] source = AllPatterns();
        float[] actual = new float[Patterns];
        Conversion.FromFloat16(source, actual);
        Bits.AssertEqual([.. source.Select(bits => (float)BitConverter.UInt16BitsToHalf(bits))], actual, "f16");
    }

    [Fact]
    public void FromBFloat16_GivesTheUpperHalf_ForEveryPattern()
    {
        ushort[] source = AllPatterns();
        float[] actual = new float[Patterns];
        Conversion.FromBFloat16(source, actual);
        Bits.AssertEqual([.. source.Select(bits => BitConverter.UInt32BitsToSingle((uint)bits << 16))], actual, "bf16");
    }

    [Fact]
    public void ToFloat16_GivesDotNetsBits_AroundEveryRoundingBorder()
    {
        float[] source = [.. Borders(13)];
        ushort[] actual = new ushort[source.Length];
        Conversion.ToFloat16(source, actual);
        for (int i = 0; i < source.Length; i++)
        {
            ushort expected = BitConverter.HalfToUInt16Bits((Half)source[i]);
            Assert.True(expected == actual[i], $"{source[i]:R} (0x{BitConverter.SingleToUInt32Bits(source[i]):X8}): expected {expected:X4}, got {actual[i]:X4}");
        }
    }

    [Fact]
    public void ToBFloat16_RoundsToNearestEven_AroundEveryRoundingBorder()
    {
        float[] source = [.. Borders(16)];
        ushort[] actual = new ushort[source.Length];
        Conversion.ToBFloat16(source, actual);
        for (int i = 0; i < source.Length; i++)
        {
            float back = BitConverter.UInt32BitsToSingle((uint)actual[i] << 16);
            if (float.IsNaN(source[i]))
            {
                Assert.True(float.IsNaN(back));
                Assert.NotEqual(0, actual[i] & 0x40);
                continue;
            }

            // The two neighbours of the value among bfloat16, by cutting and stepping: the nearer wins, an even one on a tie.
            ushort down = (ushort)(BitConverter.SingleToUInt32Bits(source[i]) >> 16);
            ushort up = (ushort)(down + 1);
            double toDown = Math.Abs(source[i] - ValueOf(down));
            double toUp = Math.Abs(source[i] - ValueOf(up));
            ushort expected = toDown < toUp ? down : toUp < toDown ? up : (down & 1) == 0 ? down : up;
            if (float.IsInfinity(source[i]))
            {
                expected = down;
            }

            Assert.True(expected == actual[i], $"{source[i]:R}: expected {expected:X4}, got {actual[i]:X4}");
        }

        // Infinity stands where the next power of two would be.
        static double ValueOf(ushort bits) => (bits & 0x7FFF) == 0x7F80
            ? ((bits & 0x8000) == 0 ? 1 : -1) * Math.ScaleB(1, 128)
            : BitConverter.UInt32BitsToSingle((uint)bits << 16);
    }

    [Fact]
    public void Narrowing_GivesBackEveryPattern_ExceptThatNaNBecomesQuiet()
    {
        ushort[] source = AllPatterns();
        float[] wide = new float[Patterns];
        ushort[] back = new ushort[Patterns];
        Conversion.FromFloat16(source, wide);
        Conversion.ToFloat16(wide, back);
        Assert.Equal(source.Select(bits => (bits & 0x7FFF) > 0x7C00 ? (ushort)(bits | 0x0200) : bits), back);
        Conversion.FromBFloat16(source, wide);
        Conversion.ToBFloat16(wide, back);
        Assert.Equal(source.Select(bits => (bits & 0x7FFF) > 0x7F80 ? (ushort)(bits | 0x0040) : bits), back);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(8)]
    [InlineData(9)]
    [InlineData(31)]
    public void WriteAndRead_AreLittleEndian_AtUnalignedAddresses(int count)
    {
        float[] source = KernelSetCases.RandomFloats(new Random(51), count, 10f);
        byte[] buffer = new byte[1 + (4 * count)];
        float[] back = new float[count];

        Span<byte> bytes = buffer.AsSpan(1, 4 * count);
        Conversion.WriteFloat32(source, bytes);
        Assert.Equal(source.SelectMany(BitConverter.GetBytes), bytes.ToArray());
        Conversion.ReadFloat32(bytes, back);
        Assert.Equal(source, back);

        bytes = buffer.AsSpan(1, 2 * count);
        Conversion.WriteFloat16(source, bytes);
        Assert.Equal(source.SelectMany(value => BitConverter.GetBytes((Half)value)), bytes.ToArray());
        Conversion.ReadFloat16(bytes, back);
        Assert.Equal(source.Select(value => (float)(Half)value), back);

        Conversion.WriteBFloat16(source, bytes);
        ushort[] bits = new ushort[count];
        Conversion.ToBFloat16(source, bits);
        Assert.Equal(bits.SelectMany(BitConverter.GetBytes), bytes.ToArray());
        Conversion.ReadBFloat16(bytes, back);
        Assert.Equal(bits.Select(value => BitConverter.UInt32BitsToSingle((uint)value << 16)), back);
    }

    [Fact]
    public void Conversions_Refuse_LengthsThatDiffer()
    {
        Assert.Throws<ArgumentException>(() => Conversion.ToFloat16(new float[3], new ushort[4]));
        Assert.Throws<ArgumentException>(() => Conversion.ToBFloat16(new float[3], new ushort[2]));
        Assert.Throws<ArgumentException>(() => Conversion.FromFloat16(new ushort[3], new float[4]));
        Assert.Throws<ArgumentException>(() => Conversion.FromBFloat16(new ushort[3], new float[2]));
        Assert.Throws<ArgumentException>(() => Conversion.WriteFloat32(new float[3], new byte[13]));
        Assert.Throws<ArgumentException>(() => Conversion.ReadFloat32(new byte[11], new float[3]));
        Assert.Throws<ArgumentException>(() => Conversion.WriteFloat16(new float[3], new byte[7]));
        Assert.Throws<ArgumentException>(() => Conversion.ReadFloat16(new byte[5], new float[3]));
        Assert.Throws<ArgumentException>(() => Conversion.WriteBFloat16(new float[3], new byte[5]));
        Assert.Throws<ArgumentException>(() => Conversion.ReadBFloat16(new byte[7], new float[3]));
    }

    private static ushort[] AllPatterns() => [.. Enumerable.Range(0, Patterns).Select(value => (ushort)value)];

    /// <summary>Every pattern of the upper bits, with the lower ones at, just beside and between the rounding borders.</summary>
    private static IEnumerable<float> Borders(int droppedBits)
    {
        uint half = 1u << (droppedBits - 1);
        uint step = 1u << Math.Max(droppedBits, 16);
        foreach (uint low in (uint[])[0, 1, half - 1, half, half + 1, (2 * half) - 1, 2 * half, 3 * half])
        {
            for (ulong high = 0; high < 1ul << 32; high += step)
            {
                yield return BitConverter.UInt32BitsToSingle((uint)high + low);
            }
        }
    }
}
