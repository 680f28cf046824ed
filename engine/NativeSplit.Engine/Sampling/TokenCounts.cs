using System.Runtime.InteropServices;
using NativeSplit.Model;

namespace NativeSplit.Engine.Sampling;

/// <summary>Which tokens a sequence has seen, and how often in its output. Room for all of them is made at the start, so that counting allocates nothing.</summary>
internal sealed class TokenCounts
{
    // Token → occurrences in the output; 0 for tokens of the prompt alone.
    private readonly Dictionary<int, int> _seen;

    /// <summary>Counts the prompt.</summary>
    /// <param name="prompt">Tokens before the output.</param>
    /// <param name="outputTokens">Tokens of output to make room for.</param>
    /// <param name="vocabularySize">Tokens in the vocabulary: more different ones can't come.</param>
    public TokenCounts(IReadOnlyList<TokenId> prompt, int outputTokens, int vocabularySize)
    {
        _seen = new Dictionary<int, int>((int)Math.Min(vocabularySize, (long)prompt.Count + outputTokens));
        for (int i = 0; i < prompt.Count; i++)
        {
            _seen[prompt[i].Value] = 0;
        }
    }

    /// <summary>Counts a token of the output.</summary>
    public void Add(TokenId token) => CollectionsMarshal.GetValueRefOrAddDefault(_seen, token.Value, out _)++;

    /// <summary>Applies the repetition penalty, then the frequency and presence penalties, to logits in place.</summary>
    /// <param name="options">The penalties.</param>
    /// <param name="logits">Shape [vocabulary].</param>
    public void Penalize(SamplingOptions options, Span<float> logits)
    {
        foreach (var (token, count) in _seen)
        {
            ref float logit = ref logits[token];
            logit = logit > 0f ? logit / options.RepetitionPenalty : logit * options.RepetitionPenalty;
            if (count > 0)
            {
                logit -= (options.FrequencyPenalty * count) + options.PresencePenalty;
            }
        }
    }
}
