using System.Runtime.InteropServices;

namespace NativeSplit.ModelMaker;

/// <summary>Random numbers that depend on a seed and a name alone: SplitMix64 (Steele, Lea and Flood 2014).</summary>
/// <remarks>The same tensor of the same seed gets the same bytes, whatever else the file holds.</remarks>
internal sealed class WeightRandom
{
    private ulong _state;

    /// <param name="seed">Seed of the file.</param>
    /// <param name="name">Name of the tensor.</param>
    public WeightRandom(ulong seed, string name)
    {
        // FNV-1a over the name.
        ulong hash = 14_695_981_039_346_656_037;
        foreach (char c in name)
        {
            hash = (hash ^ c) * 1_099_511_628_211;
        }

        _state = seed ^ hash;
        _state = Next();
    }

    /// <summary>64 random bits.</summary>
    public ulong Next()
    {
        _state += 0x9E3779B97F4A7C15UL;
        ulong z = _state;
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9UL;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EBUL;
        return z ^ (z >> 31);
    }

    /// <summary>Uniform in [−1, 1).</summary>
    public float NextSigned() => ((Next() >> 40) * (1f / (1 << 23))) - 1f;

    /// <summary>Uniform in [0, count).</summary>
    public int NextBelow(int count) => (int)((Next() >> 32) * (uint)count >> 32);

    /// <summary>Fills bytes with random bits.</summary>
    public void Fill(Span<byte> destination)
    {
        Span<ulong> words = MemoryMarshal.Cast<byte, ulong>(destination);
        foreach (ref ulong word in words)
        {
            word = Next();
        }

        ulong rest = Next();
        foreach (ref byte b in destination[(words.Length * sizeof(ulong))..])
        {
            b = (byte)rest;
            rest >>= 8;
        }
    }
}
