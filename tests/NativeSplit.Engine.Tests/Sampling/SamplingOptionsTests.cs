using System.Collections.Frozen;
using NativeSplit.Engine.Sampling;
using NativeSplit.Model;

namespace NativeSplit.Engine.Tests.Sampling;

public class SamplingOptionsTests
{
    public static TheoryData<SamplingOptions, string, string> OutOfRange => new()
    {
        { new() { Temperature = -0.1f }, "Temperature", "-0.1" },
        { new() { Temperature = float.NaN }, "Temperature", "NaN" },
        { new() { Temperature = float.PositiveInfinity }, "Temperature", "Infinity" },
        { new() { TopK = -1 }, "TopK", "-1" },
        { new() { TopP = 0f }, "TopP", "0" },
        { new() { TopP = 1.5f }, "TopP", "1.5" },
        { new() { TopP = float.NaN }, "TopP", "NaN" },
        { new() { MinP = -0.5f }, "MinP", "-0.5" },
        { new() { MinP = 2f }, "MinP", "2" },
        { new() { RepetitionPenalty = 0f }, "RepetitionPenalty", "0" },
        { new() { RepetitionPenalty = float.NaN }, "RepetitionPenalty", "NaN" },
        { new() { FrequencyPenalty = 2.5f }, "FrequencyPenalty", "2.5" },
        { new() { FrequencyPenalty = float.NaN }, "FrequencyPenalty", "NaN" },
        { new() { PresencePenalty = -3f }, "PresencePenalty", "-3" },
        { Biased(10, 1f), "LogitBias", "10" },
        { Biased(-1, 1f), "LogitBias", "-1" },
        { Biased(1, float.NaN), "LogitBias", "NaN" },
        { Biased(1, float.NegativeInfinity), "LogitBias", "-Infinity" },
    };

    [Theory]
    [MemberData(nameof(OutOfRange))]
    public void Validate_NamesOptionAndValue_WhenOutOfRange(SamplingOptions options, string option, string value)
    {
        var error = Assert.Throws<ArgumentException>(() => options.Validate(vocabularySize: 10));

        Assert.Equal(option, error.ParamName);
        Assert.Contains($"{option} is {value};", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Validate_Passes_AtTheEndsOfEveryRange()
    {
        new SamplingOptions().Validate(1);
        SamplingOptions.Greedy.Validate(1);
        new SamplingOptions { TopP = float.Epsilon, MinP = 1f, FrequencyPenalty = -2f, PresencePenalty = 2f }.Validate(1);
        Biased(9, -100f).Validate(10);
    }

    private static SamplingOptions Biased(int token, float bias) =>
        new() { LogitBias = new Dictionary<TokenId, float> { [new TokenId(token)] = bias }.ToFrozenDictionary() };
}
