using NativeSplit.Engine.Execution.Cpu;
using NativeSplit.Model;

namespace NativeSplit.Engine.Tests.Execution;

public class RotaryTableTests
{
    [Fact]
    public void Table_HoldsTheRoundedCosinesAndSines_AtFarPositionsToo()
    {
        // θ^(−2i/8) for θ = 10000: 1, 0.1, 0.01, 0.001. Angles at position 4000: 4000, 400, 40, 4 (radians).
        var table = new RotaryTable(new() { Layout = RopeLayout.Halves, Dimensions = 8, FrequencyBase = 10000 }, 4001);

        // Cosines and sines of 4000, 400, 40 and 4 by another library (Python, math.cos), to nine digits.
        Assert.Equal([-0.729946960f, -0.525296338f, -0.666938062f, -0.653643621f], table.Cosines(4000).ToArray(), Near);
        Assert.Equal([-0.683503794f, -0.850919359f, 0.745113160f, -0.756802495f], table.Sines(4000).ToArray(), Near);
        Assert.Equal([1f, 1f, 1f, 1f], table.Cosines(0).ToArray());
    }

    [Fact]
    public void Table_DividesTheFrequencies_WhenTheModelHasDivisors()
    {
        var rope = new RopeParameters { Layout = RopeLayout.Interleaved, Dimensions = 4, FrequencyBase = 10000, FrequencyDivisors = [4f, 8f] };
        var plain = new RotaryTable(rope with { FrequencyDivisors = [] }, 100);
        var divided = new RotaryTable(rope, 800);

        for (int position = 0; position < 100; position++)
        {
            Assert.Equal(plain.Cosines(position)[0], divided.Cosines(position * 4)[0], 1e-6f);
            Assert.Equal(plain.Sines(position)[1], divided.Sines(position * 8)[1], 1e-6f);
        }
    }

    private static bool Near(float a, float b) => Math.Abs(a - b) <= 1e-7f;
}
