using System.Collections.Frozen;
using NativeSplit.Engine.Sampling;
using NativeSplit.Model;

namespace NativeSplit.Engine.Tests.Sampling;

/// <summary>Choices whose outcome is certain, worked out by hand.</summary>
public class SamplerChoiceTests
{
    [Fact]
    public void Sample_TakesTheBest_WhenGreedy() => Assert.Equal(2, Greedy(new(), [], 1f, 3f, 4f, -1f));

    [Fact]
    public void Sample_TakesTheLowerId_WhenLogitsAreEqual()
    {
        Assert.Equal(1, Greedy(new(), [], 1f, 4f, 4f, 4f));
        Assert.Equal(1, Sample(new() { TopK = 1, Seed = 1 }, [], 1f, 4f, 4f, 4f));
    }

    [Fact]
    public void Sample_KeepsTheLowerIds_WhenTopKCutsThroughEqualLogits()
    {
        var seen = new HashSet<int>();
        for (ulong seed = 0; seed < 200; seed++)
        {
            seen.Add(Sample(new() { TopK = 2, Seed = seed }, [], 0f, 5f, 5f, 5f, 5f));
        }

        Assert.Equal([1, 2], seen.Order());
    }

    [Fact]
    public void Sample_AppliesTheBias_BeforeAllElse()
    {
        var bias = new Dictionary<TokenId, float> { [new(0)] = 5f, [new(2)] = -100f }.ToFrozenDictionary();

        // Token 0: 1 + 5 = 6 beats 4. With the penalty after the bias: 6 / 2 = 3 loses to 4.
        Assert.Equal(0, Greedy(new() { LogitBias = bias }, [], 1f, 4f, 50f));
        Assert.Equal(1, Greedy(new() { LogitBias = bias, RepetitionPenalty = 2f }, [0], 1f, 4f, 50f));
    }

    [Fact]
    public void Sample_DividesPositiveAndMultipliesNegativeLogits_OfTokensInThePrompt()
    {
        // Keskar et al. 2019: 3 / 1.5 = 2 < 2.5; and −1 · 1.5 = −1.5 < −1.2.
        Assert.Equal(1, Greedy(new() { RepetitionPenalty = 1.5f }, [0], 3f, 2.5f));
        Assert.Equal(1, Greedy(new() { RepetitionPenalty = 1.5f }, [0, 0], -1f, -1.2f));
        Assert.Equal(0, Greedy(new() { RepetitionPenalty = 1.1f }, [0, 0, 0], 3f, 2.5f));
    }

    [Fact]
    public void Sample_AppliesTheRepetitionPenalty_ToTheOutputToo()
    {
        var sampler = NewSampler(new() { Temperature = 0f, RepetitionPenalty = 2f }, [], 3);

        Assert.Equal([0, 1, 2], Draw(sampler, 3, 3f, 2f, 1.6f));
    }

    [Fact]
    public void Sample_SubtractsTheFrequencyPenalty_PerOccurrenceInTheOutputAlone()
    {
        // 2.5 against 2.2: after one choice of token 0 it stands at 2.1, after one of token 1 that stands at 1.8, and so on.
        var sampler = NewSampler(new() { Temperature = 0f, FrequencyPenalty = 0.4f }, [0, 0, 0, 0], 2);

        Assert.Equal([0, 1, 0, 1, 0], Draw(sampler, 5, 2.5f, 2.2f));
    }

    [Fact]
    public void Sample_SubtractsThePresencePenalty_Once()
    {
        // 2.5 − 0.4 < 2.2; then both carry it once, and token 0 stays ahead.
        var sampler = NewSampler(new() { Temperature = 0f, PresencePenalty = 0.4f }, [], 2);

        Assert.Equal([0, 1, 0, 0, 0], Draw(sampler, 5, 2.5f, 2.2f));
    }

    [Fact]
    public void Sample_IgnoresBannedTokens_WhenLogitsAreMinusInfinity()
    {
        for (ulong seed = 0; seed < 50; seed++)
        {
            Assert.Equal(1, Sample(new() { Seed = seed }, [], float.NegativeInfinity, 0f, float.NegativeInfinity));
            Assert.Equal(1, Sample(new() { Seed = seed, TopK = 3, TopP = 0.999f }, [], float.NegativeInfinity, 0f, float.NegativeInfinity, float.NegativeInfinity));
        }
    }

    [Theory]
    [InlineData(float.NaN, 1f)]
    [InlineData(1f, float.NaN)]
    [InlineData(float.PositiveInfinity, 1f)]
    [InlineData(float.NegativeInfinity, float.NegativeInfinity)]
    public void Sample_Fails_WhenLogitsAreNotNumbers(float first, float second)
    {
        var greedy = Assert.Throws<EngineException>(() => Greedy(new(), [], first, second));
        var drawn = Assert.Throws<EngineException>(() => Sample(new() { Seed = 1 }, [], first, second));

        Assert.Equal(EngineFault.InvalidLogits, greedy.Fault);
        Assert.Equal(EngineFault.InvalidLogits, drawn.Fault);
    }

    [Fact]
    public void Sample_Refuses_WhenThereAreTooFewLogits() =>
        Assert.Throws<ArgumentException>(() => NewSampler(new(), [], 4).Sample(new float[3]));

    [Fact]
    public void Constructor_Refuses_WhenAPromptTokenIsUnknown() =>
        Assert.Throws<ArgumentException>(() => NewSampler(new(), [0, 4], 4));

    [Fact]
    public void Sample_RepeatsItsChoices_WhenTheSeedIsTheSame()
    {
        float[] logits = [0.1f, 0.5f, 0.3f, 0.9f, 0.2f];
        var first = Draw(NewSampler(new() { Seed = 42 }, [], 5), 100, logits);

        Assert.Equal(first, Draw(NewSampler(new() { Seed = 42 }, [], 5), 100, logits));
        Assert.NotEqual(first, Draw(NewSampler(new() { Seed = 43 }, [], 5), 100, logits));
    }

    [Fact]
    public void Seed_IsDrawn_WhenTheOptionsGiveNone()
    {
        var sampler = NewSampler(new(), [], 5);
        float[] logits = [0.1f, 0.5f, 0.3f, 0.9f, 0.2f];

        Assert.NotEqual(sampler.Seed, NewSampler(new(), [], 5).Seed);
        Assert.Equal(Draw(sampler, 50, logits), Draw(NewSampler(new() { Seed = sampler.Seed }, [], 5), 50, logits));
    }

    [Fact]
    public void Sample_AllocatesNothing_WithEveryOptionOn()
    {
        var options = new SamplingOptions
        {
            Temperature = 0.8f,
            TopK = 40,
            TopP = 0.9f,
            MinP = 0.02f,
            RepetitionPenalty = 1.1f,
            FrequencyPenalty = 0.2f,
            PresencePenalty = 0.1f,
            Seed = 7,
            LogitBias = new Dictionary<TokenId, float> { [new(3)] = 1f }.ToFrozenDictionary(),
        };
        var sampler = new Sampler(options, [new(1), new(2)], maxTokens: 200, new SamplerWorkspace(1000));
        var source = new Random(1);
        float[] logits = new float[1000];
        for (int warmUp = 0; warmUp < 100; warmUp++)
        {
            Next();
        }

        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 100; i++)
        {
            Next();
        }

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);

        void Next()
        {
            for (int i = 0; i < logits.Length; i++)
            {
                logits[i] = source.NextSingle() * 8f;
            }

            sampler.Sample(logits);
        }
    }

    internal static Sampler NewSampler(SamplingOptions options, int[] prompt, int vocabulary) =>
        new(options, [.. prompt.Select(id => new TokenId(id))], maxTokens: 100_000, new SamplerWorkspace(vocabulary));

    internal static int[] Draw(Sampler sampler, int count, params float[] logits)
    {
        int[] tokens = new int[count];
        for (int i = 0; i < count; i++)
        {
            tokens[i] = sampler.Sample(logits.ToArray()).Value;
        }

        return tokens;
    }

    private static int Greedy(SamplingOptions options, int[] prompt, params float[] logits) => Sample(options with { Temperature = 0f }, prompt, logits);

    private static int Sample(SamplingOptions options, int[] prompt, params float[] logits) => NewSampler(options, prompt, logits.Length).Sample(logits).Value;
}
