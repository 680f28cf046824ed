using NativeSplit.Engine.Sampling;

namespace NativeSplit.Engine.Tests.Sampling;

public class RandomSourceTests
{
    [Fact]
    public void Xoshiro256_GivesThePublishedStream_FromState1234()
    {
        // Output of the authors' C code (prng.di.unimi.it/xoshiro256starstar.c) from state {1, 2, 3, 4}.
        ulong[] expected =
        [
            11520, 0, 1509978240, 1215971899390074240, 1216172134540287360, 607988272756665600,
            16172922978634559625, 8476171486693032832, 10595114339597558777, 2904607092377533576,
        ];
        var random = new Xoshiro256(1, 2, 3, 4);

        Assert.All(expected, value => Assert.Equal(value, random.Next()));
    }

    [Fact]
    public void SplitMix64_GivesThePublishedStream_FromSeed1234567()
    {
        // Output of Vigna's C code (prng.di.unimi.it/splitmix64.c), as listed on Rosetta Code, "Pseudo-random numbers/Splitmix64".
        ulong[] expected = [6457827717110365317, 3203168211198807973, 9817491932198370423, 4593380528125082431, 16408922859458223821];
        var mixer = new SplitMix64(1234567);

        Assert.All(expected, value => Assert.Equal(value, mixer.Next()));
    }

    [Fact]
    public void NextUnit_IsTheTop53BitsInZeroToOne_ForTheKnownStream()
    {
        var random = new Xoshiro256(1, 2, 3, 4);

        Assert.Equal((11520UL >> 11) / 9007199254740992.0, random.NextUnit());
        Assert.Equal(0.0, random.NextUnit());
    }
}
