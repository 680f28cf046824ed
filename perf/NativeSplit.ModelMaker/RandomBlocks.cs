using System.Buffers.Binary;
using NativeSplit.Kernels.Formats;

namespace NativeSplit.ModelMaker;

/// <summary>Writes blocks of a format straight away: random quants, and scales that give the weights a wanted spread and no bias.</summary>
/// <remarks>
/// A weight's standard deviation is that of the quants times the scale, so a scale is chosen for it; signs of scales are random where
/// the quants aren't symmetric around zero. Scales vary by half around their mean, so that no two blocks are alike.
/// Byte offsets are those of GGML's <c>block_q*</c>.
/// </remarks>
internal static class RandomBlocks
{
    // Standard deviations of uniform random quants around the format's zero, in quants.
    private const float Q4Spread = 4.637f;    // −8 to 7, root mean square
    private const float Q8Spread = 73.9f;     // −128 to 127
    private const float Q4KSpread = 4.610f;   // 0 to 15 around 7.5
    private const float Q6KSpread = 18.48f;   // −32 to 31

    // Scales of a group in the K formats: uniform in [16, 64) and [32, 128); root mean squares.
    private const float Q4KGroupScale = 41.86f;
    private const float Q6KGroupScale = 84.24f;

    /// <summary>Fills whole blocks.</summary>
    /// <param name="type">Format.</param>
    /// <param name="spread">Standard deviation of a weight.</param>
    /// <param name="random">Source of random bits.</param>
    /// <param name="destination">A whole number of blocks.</param>
    /// <exception cref="ArgumentException">The format isn't one that can be made.</exception>
    public static void Fill(WeightType type, float spread, WeightRandom random, Span<byte> destination)
    {
        int bytes = BlockFormat.Of(type).BlockBytes;
        for (; !destination.IsEmpty; destination = destination[bytes..])
        {
            FillBlock(type, spread, random, destination[..bytes]);
        }
    }

    private static void FillBlock(WeightType type, float spread, WeightRandom random, Span<byte> block)
    {
        switch (type)
        {
            case WeightType.F32:
                BinaryPrimitives.WriteSingleLittleEndian(block, Uniform(spread, random));
                break;
            case WeightType.F16:
                BinaryPrimitives.WriteHalfLittleEndian(block, (Half)Uniform(spread, random));
                break;
            case WeightType.Q4_0:
                random.Fill(block[2..]);
                BinaryPrimitives.WriteHalfLittleEndian(block, Scale(spread / Q4Spread, random, signed: true));
                break;
            case WeightType.Q8_0:
                random.Fill(block[2..]);
                BinaryPrimitives.WriteHalfLittleEndian(block, Scale(spread / Q8Spread, random, signed: true));
                break;
            case WeightType.Q4_K:
                random.Fill(block[16..]);
                FillQ4KScales(spread / (Q4KSpread * Q4KGroupScale), random, block[..16]);
                break;
            case WeightType.Q6_K:
                random.Fill(block[..192]);
                FillQ6KScales(spread / (Q6KSpread * Q6KGroupScale), random, block[192..]);
                break;
            default:
                throw new ArgumentException($"No random blocks of type {type} are made here.", nameof(type));
        }
    }

    private static float Uniform(float spread, WeightRandom random) => MathF.Sqrt(3) * spread * random.NextSigned();

    private static Half Scale(float mean, WeightRandom random, bool signed)
    {
        float scale = mean * (1 + (0.5f * random.NextSigned()));
        return (Half)(signed && random.NextSigned() < 0 ? -scale : scale);
    }

    /// <summary>d f16, dmin f16, eight 6-bit scales and minima in 12 bytes. The minimum is the scale and dmin is 7.5·d, so a weight is d·scale·(q − 7.5).</summary>
    private static void FillQ4KScales(float d, WeightRandom random, Span<byte> header)
    {
        Half scale = Scale(d, random, signed: false);
        BinaryPrimitives.WriteHalfLittleEndian(header, scale);
        BinaryPrimitives.WriteHalfLittleEndian(header[2..], (Half)(7.5f * (float)scale));
        Span<byte> packed = header[4..];
        for (int group = 0; group < 4; group++)
        {
            int low = 16 + random.NextBelow(48);     // of the group
            int high = 16 + random.NextBelow(48);    // of group + 4
            packed[group] = packed[group + 4] = (byte)(low | (high >> 4 << 6));
            packed[group + 8] = (byte)((high & 15) | ((high & 15) << 4));
        }
    }

    /// <summary>Sixteen signed scales, then d f16.</summary>
    private static void FillQ6KScales(float d, WeightRandom random, Span<byte> tail)
    {
        for (int i = 0; i < 16; i++)
        {
            int scale = 32 + random.NextBelow(96);
            tail[i] = (byte)(sbyte)(random.NextSigned() < 0 ? -scale : scale);
        }

        BinaryPrimitives.WriteHalfLittleEndian(tail[16..], Scale(d, random, signed: false));
    }
}
