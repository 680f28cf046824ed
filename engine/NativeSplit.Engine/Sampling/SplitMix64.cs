namespace NativeSplit.Engine.Sampling;

/// <summary>SplitMix64: turns any seed, zero included, into well-mixed words. Used to seed <see cref="Xoshiro256"/>.</summary>
/// <remarks>Steele, Lea and Flood 2014; constants as in Vigna's reference code (prng.di.unimi.it).</remarks>
internal struct SplitMix64
{
    private ulong _state;

    /// <summary>Starts from a seed.</summary>
    public SplitMix64(ulong seed) => _state = seed;

    /// <summary>The next 64 bits.</summary>
    public ulong Next()
    {
        _state += 0x9E3779B97F4A7C15UL;
        ulong z = _state;
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9UL;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EBUL;
        return z ^ (z >> 31);
    }
}
