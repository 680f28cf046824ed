using System.Buffers.Binary;

namespace NativeSplit.Kernels.Scalar;

/// <summary>Quantisation of activations: the specification.</summary>
internal static class ScalarInt8
{
    /// <summary>Quantises blocks of 32.</summary>
    public static void Quantize(ReadOnlySpan<float> x, Span<byte> quantized)
    {
        for (; !x.IsEmpty; x = x[Int8Rows.BlockLength..], quantized = quantized[Int8Rows.BlockBytes..])
        {
            QuantizeBlock(x[..Int8Rows.BlockLength], quantized[..Int8Rows.BlockBytes]);
        }
    }

    private static void QuantizeBlock(ReadOnlySpan<float> x, Span<byte> block)
    {
        // Magnitudes compare like their bits, and NaN comes above infinity.
        int bits = 0;
        foreach (float value in x)
        {
            bits = Math.Max(bits, BitConverter.SingleToInt32Bits(value) & int.MaxValue);
        }

        float maximum = BitConverter.Int32BitsToSingle(bits);
        if (!(maximum >= Int8Rows.Smallest && maximum <= float.MaxValue))
        {
            block.Clear();
            float scale = maximum < Int8Rows.Smallest ? 0f : float.NaN;
            BinaryPrimitives.WriteSingleLittleEndian(block[Int8Rows.ScaleOffset..], scale);
            BinaryPrimitives.WriteSingleLittleEndian(block[Int8Rows.OffsetOffset..], scale);
            return;
        }

        float inverse = 127f / maximum;
        int lower = 0, upper = 0, firstPairs = 0;
        for (int i = 0; i < x.Length; i++)
        {
            int q = (int)MathF.Round(x[i] * inverse, MidpointRounding.ToEven);
            block[i] = (byte)q;
            lower += i < 16 ? q : 0;
            upper += i < 16 ? 0 : q;
            firstPairs += i % 4 < 2 ? q : 0;
        }

        WriteMeta(maximum, lower, upper, firstPairs, block);
    }

    /// <summary>Scale, offset and sums of a block whose greatest magnitude is an ordinary number.</summary>
    internal static void WriteMeta(float maximum, int lower, int upper, int firstPairs, Span<byte> block)
    {
        float d = maximum / 127f;
        BinaryPrimitives.WriteSingleLittleEndian(block[Int8Rows.ScaleOffset..], d);
        BinaryPrimitives.WriteSingleLittleEndian(block[Int8Rows.OffsetOffset..], -(d * (lower + upper)));
        BinaryPrimitives.WriteInt16LittleEndian(block[Int8Rows.SumsOffset..], (short)(-16 * lower));
        BinaryPrimitives.WriteInt16LittleEndian(block[(Int8Rows.SumsOffset + 2)..], (short)(-16 * upper));
        BinaryPrimitives.WriteInt16LittleEndian(block[Int8Rows.PairSumsOffset..], (short)(-8 * firstPairs));
        BinaryPrimitives.WriteInt16LittleEndian(block[(Int8Rows.PairSumsOffset + 2)..], (short)(-8 * (lower + upper - firstPairs)));
    }
}
