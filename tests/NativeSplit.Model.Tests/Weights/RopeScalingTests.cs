using NativeSplit.Model.Architectures;
using NativeSplit.Model.Files;
using NativeSplit.Model.Tests.Files;

namespace NativeSplit.Model.Tests.Weights;

[Collection(nameof(MappedMemoryCollection))]
public sealed class RopeScalingTests
{
    // The golden file's rope_freqs.weight follows the llama-3 rule with factor 8, low 1, high 4 and an original context
    // of 64; llama.cpp's logits confirm it. It wasn't written by this code.
    [Fact]
    public void Llama3_GivesTheDivisorsOfTheGoldenFile()
    {
        using var model = ModelFile.Open(GoldenShape.PathOf("llama-ropefreqs-f32"));

        var divisors = RopeScaling.Llama3(frequencyBase: 500000, dimensions: 16, factor: 8, low: 1, high: 4, originalContext: 64);

        var expected = model.Shape.Rope.FrequencyDivisors;
        Assert.Equal(expected.Count, divisors.Length);
        for (int pair = 0; pair < divisors.Length; pair++)
        {
            // The file's values went through single precision in between: allow two units in the last place.
            Assert.InRange(Math.Abs(divisors[pair] - expected[pair]), 0, 2 * (MathF.BitIncrement(expected[pair]) - expected[pair]));
        }
    }

    [Fact]
    public void Linear_GivesOneFactorPerPair()
    {
        Assert.Equal([2.5f, 2.5f], RopeScaling.Linear(2.5, 4));
        Assert.Empty(RopeScaling.Linear(1, 4));
    }

    [Fact]
    public void Combine_MultipliesAndTakesEmptyAsOnes()
    {
        Assert.Equal([6f, 8f], RopeScaling.Combine([2f, 2f], [3f, 4f]));
        Assert.Equal([3f, 4f], RopeScaling.Combine([], [3f, 4f]));
        Assert.Equal([2f, 2f], RopeScaling.Combine([2f, 2f], []));
    }
}
