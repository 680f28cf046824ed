using System.CommandLine;
using NativeSplit.Engine.Sampling;
using NativeSplit.Model.Files;

namespace NativeSplit.Host.Composition;

/// <summary>The options about how tokens are chosen.</summary>
internal sealed class SamplingArguments
{
    private readonly Option<float?> _temperature = new("--temperature", "-t") { Description = "Softmax temperature; 0 takes the best token always. Default: the model's own, else 0.", HelpName = "T" };
    private readonly Option<int?> _topK = new("--top-k") { Description = "Keep the K best tokens; 0 keeps all.", HelpName = "K" };
    private readonly Option<float?> _topP = new("--top-p") { Description = "Keep the smallest set of tokens with this probability.", HelpName = "P" };
    private readonly Option<float?> _minP = new("--min-p") { Description = "Keep tokens with this share of the best one's probability.", HelpName = "P" };
    private readonly Option<float?> _repetitionPenalty = new("--repetition-penalty") { Description = "Makes tokens seen before less likely; 1 is off.", HelpName = "F" };
    private readonly Option<ulong?> _seed = new("--seed") { Description = "Seed of the choice; the same seed gives the same text.", HelpName = "N" };

    public void AddTo(Command command)
    {
        command.Add(_temperature);
        command.Add(_topK);
        command.Add(_topP);
        command.Add(_minP);
        command.Add(_repetitionPenalty);
        command.Add(_seed);
    }

    public SamplingOptions Read(ParseResult parsed, GenerationDefaults defaults, int vocabularySize)
    {
        var options = new SamplingOptions
        {
            Temperature = parsed.GetValue(_temperature) ?? defaults.Temperature ?? 0f,
            TopK = parsed.GetValue(_topK) ?? defaults.TopK ?? 0,
            TopP = parsed.GetValue(_topP) ?? defaults.TopP ?? 1f,
            MinP = parsed.GetValue(_minP) ?? defaults.MinP ?? 0f,
            RepetitionPenalty = parsed.GetValue(_repetitionPenalty) ?? defaults.RepetitionPenalty ?? 1f,
            Seed = parsed.GetValue(_seed),
        };
        try
        {
            options.Validate(vocabularySize);
            return options;
        }
        catch (ArgumentException e)
        {
            throw UsageException.From(e);
        }
    }
}
