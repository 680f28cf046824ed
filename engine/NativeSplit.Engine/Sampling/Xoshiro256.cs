using System.Numerics;

namespace NativeSplit.Engine.Sampling;

/// <summary>xoshiro256**: the sampler's source of choice. Whole-number arithmetic only, so a seed gives the same stream on every machine.</summary>
/// <remarks>Blackman and Vigna 2021, "Scrambled linear pseudorandom number generators". Not for secrets.</remarks>
internal struct Xoshiro256
{
    private ulong _s0;
    private ulong _s1;
    private ulong _s2;
    private ulong _s3;

    /// <summary>Seeds the four words with <see cref="SplitMix64"/>, as the authors advise.</summary>
    public Xoshiro256(ulong seed)
    {
        var mixer = new SplitMix64(seed);
        (_s0, _s1, _s2, _s3) = (mixer.Next(), mixer.Next(), mixer.Next(), mixer.Next());
    }

    /// <summary>Starts from a state; not all words may be zero.</summary>
    public Xoshiro256(ulong s0, ulong s1, ulong s2, ulong s3) => (_s0, _s1, _s2, _s3) = (s0, s1, s2, s3);

    /// <summary>The next 64 bits.</summary>
    public ulong Next()
    {
        ulong result = BitOperations.RotateLeft(_s1 * 5, 7) * 9;
        ulong shifted = _s1 << 17;
        _s2 ^= _s0;
        _s3 ^= _s1;
        _s1 ^= _s2;
        _s0 ^= _s3;
        _s2 ^= shifted;
        _s3 = BitOperations.RotateLeft(_s3, 45);
        return result;
    }

    /// <summary>A number in [0, 1), a multiple of 2⁻⁵³.</summary>
    public double NextUnit() => (Next() >> 11) * (1.0 / (1UL << 53));
}
