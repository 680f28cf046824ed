namespace NativeSplit.Kernels.Tests.Kernels;

/// <summary>Quantisation of activations.</summary>
public sealed class QuantizeTests
{
    [Theory]
    [MemberData(nameof(KernelSetCases.Names), MemberType = typeof(KernelSetCases))]
    public void Quantize_IsWithinHalfAStep_AndSumsAreThoseOfTheBytes(string kernels)
    {
        KernelSet set = KernelSetCases.Get(kernels);
        float[] x = KernelSetCases.RandomFloats(new Random(81), 32 * 40, 50f);
        byte[] quantized = PackedMultiplyTests.Quantized(set, x);
        float[] widened = PackedMultiplyTests.Widened(quantized);
        for (int i = 0; i < x.Length; i++)
        {
            float maximum = x.AsSpan(i / 32 * 32, 32).ToArray().Max(MathF.Abs);
            Assert.True(Math.Abs(x[i] - widened[i]) <= maximum / 254 * 1.001);
        }

        for (int block = 0; block < x.Length / 32; block++)
        {
            byte[] bytes = quantized[(Int8Rows.BlockBytes * block)..(Int8Rows.BlockBytes * (block + 1))];
            int lower = bytes[..16].Sum(b => (sbyte)b);
            int upper = bytes[16..32].Sum(b => (sbyte)b);
            Assert.Equal(-16 * lower, BitConverter.ToInt16(bytes, 40));
            Assert.Equal(-16 * upper, BitConverter.ToInt16(bytes, 42));
            int firstPairs = bytes.Take(32).Where((_, i) => i % 4 < 2).Sum(b => (sbyte)b);
            Assert.Equal(-8 * firstPairs, BitConverter.ToInt16(bytes, 44));
            Assert.Equal(-8 * (lower + upper - firstPairs), BitConverter.ToInt16(bytes, 46));
            Assert.Equal(-(BitConverter.ToSingle(bytes, 32) * (lower + upper)), BitConverter.ToSingle(bytes, 36));
        }
    }

    [Theory]
    [MemberData(nameof(KernelSetCases.Names), MemberType = typeof(KernelSetCases))]
    public void Quantize_GivesScalarBytes_ForEveryKindOfNumber(string kernels)
    {
        KernelSet set = KernelSetCases.Get(kernels);
        var random = new Random(82);
        float[] x = new float[32 * 400];
        for (int i = 0; i < x.Length; i++)
        {
            // Blocks of any bits; of any exponent; of halves, which tie; around the smallest magnitude.
            x[i] = (i / 32 % 4) switch
            {
                0 => BitConverter.Int32BitsToSingle(random.Next(int.MinValue, int.MaxValue)),
                1 => (float)(random.NextDouble() - 0.5) * MathF.ScaleB(1, (i / 128) - 130),
                2 => i % 32 == 0 ? 127f : random.Next(-254, 255) / 2f,
                _ => (float)(random.NextDouble() - 0.5) * 3f * MathF.ScaleB(1, -120),
            };
        }

        Assert.Equal(PackedMultiplyTests.Quantized(KernelSetCases.Scalar, x), PackedMultiplyTests.Quantized(set, x));
    }

    [Theory]
    [MemberData(nameof(KernelSetCases.Names), MemberType = typeof(KernelSetCases))]
    public void Quantize_GivesZero_ForBlocksTooSmall(string kernels)
    {
        KernelSet set = KernelSetCases.Get(kernels);
        Assert.All(PackedMultiplyTests.Quantized(set, new float[64]), value => Assert.Equal(0, value));
        Assert.All(PackedMultiplyTests.Quantized(set, [.. Enumerable.Repeat(float.Epsilon, 32)]), value => Assert.Equal(0, value));
    }

    [Fact]
    public void Quantize_Refuses_WrongLengths()
    {
        Assert.Throws<ArgumentException>(() => KernelSetCases.Scalar.Quantize(new float[31], new byte[Int8Rows.BlockBytes]));
        Assert.Throws<ArgumentException>(() => KernelSetCases.Scalar.Quantize(new float[32], new byte[Int8Rows.BlockBytes - 1]));
    }
}
