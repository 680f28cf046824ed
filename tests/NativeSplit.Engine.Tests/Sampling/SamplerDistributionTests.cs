using NativeSplit.Engine.Sampling;

namespace NativeSplit.Engine.Tests.Sampling;

/// <summary>Frequencies of many draws against distributions worked out by hand.</summary>
public class SamplerDistributionTests
{
    private const int Draws = 20_000;

    // ln of 0.5, 0.25, 0.15, 0.1: the softmax at temperature 1 gives these back.
    private static readonly float[] Logits = [MathF.Log(0.5f), MathF.Log(0.25f), MathF.Log(0.15f), MathF.Log(0.1f)];

    public static TheoryData<string, SamplingOptions, double[]> Distributions => new()
    {
        { "softmax", new(), [0.5, 0.25, 0.15, 0.1] },

        // Squares of the probabilities over their sum 0.345.
        { "temperature 0.5", new() { Temperature = 0.5f }, [0.25 / 0.345, 0.0625 / 0.345, 0.0225 / 0.345, 0.01 / 0.345] },
        { "top-k 2", new() { TopK = 2 }, [0.5 / 0.75, 0.25 / 0.75, 0, 0] },
        { "top-k of all", new() { TopK = 4 }, [0.5, 0.25, 0.15, 0.1] },
        { "top-k past all", new() { TopK = 400 }, [0.5, 0.25, 0.15, 0.1] },

        // 0.5 + 0.25 is short of 0.8; with 0.15 it is 0.9.
        { "top-p 0.8", new() { TopP = 0.8f }, [0.5 / 0.9, 0.25 / 0.9, 0.15 / 0.9, 0] },
        { "top-p 0.3", new() { TopP = 0.3f }, [1, 0, 0, 0] },

        // At least 0.28 of the best one's 0.5, so at least 0.14.
        { "min-p 0.28", new() { MinP = 0.28f }, [0.5 / 0.9, 0.25 / 0.9, 0.15 / 0.9, 0] },
        { "min-p 1", new() { MinP = 1f }, [1, 0, 0, 0] },

        // What top-k leaves is 0.556, 0.278, 0.167: the first two reach 0.8 of it, while of the whole they are 0.75.
        { "top-k 3, then top-p 0.8", new() { TopK = 3, TopP = 0.8f }, [0.5 / 0.75, 0.25 / 0.75, 0, 0] },
        { "top-p 0.8, then min-p 0.4", new() { TopP = 0.8f, MinP = 0.4f }, [0.5 / 0.75, 0.25 / 0.75, 0, 0] },

        // Temperature 2 first: square roots over their sum, 0.370, 0.262, 0.203, 0.166; three of them reach 0.8.
        { "temperature 2, then top-p 0.8", new() { Temperature = 2f, TopP = 0.8f }, [0.443493, 0.313597, 0.242911, 0] },
    };

    [Theory]
    [MemberData(nameof(Distributions))]
    public void Sample_FollowsTheDistribution_OverManyDraws(string name, SamplingOptions options, double[] expected)
    {
        var sampler = SamplerChoiceTests.NewSampler(options with { Seed = 20_240_607 }, [], Logits.Length);
        int[] counts = new int[Logits.Length];
        foreach (int token in SamplerChoiceTests.Draw(sampler, Draws, Logits))
        {
            counts[token]++;
        }

        double chiSquare = 0;
        for (int i = 0; i < expected.Length; i++)
        {
            double wanted = expected[i] * Draws;
            if (wanted == 0)
            {
                Assert.True(counts[i] == 0, $"{name}: token {i} is filtered out, yet drawn {counts[i]} times");
                continue;
            }

            chiSquare += (counts[i] - wanted) * (counts[i] - wanted) / wanted;
        }

        // The 99.9 % point of χ² with 3 degrees of freedom; the seed is fixed, so the outcome is too.
        Assert.True(chiSquare < 16.27, $"{name}: χ² = {chiSquare}, counts {string.Join(", ", counts)}");
    }
}
