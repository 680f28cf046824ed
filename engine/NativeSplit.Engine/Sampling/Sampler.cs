using NativeSplit.Model;

namespace NativeSplit.Engine.Sampling;

/// <summary>Chooses the tokens of one sequence. The same seed, options and logits give the same tokens on every machine.</summary>
/// <remarks>
/// Order: logit bias; repetition penalty; frequency and presence penalties; temperature; top-k; top-p, over what top-k left;
/// min-p; one draw. Equal logits rank by the lower id. The draw takes one number of <see cref="Xoshiro256"/> per token and walks
/// the running sum in float64; its exponentials are the platform's, whose last bit can matter only when the draw falls
/// within about 1e-15 of a boundary. Not thread-safe.
/// </remarks>
public sealed class Sampler
{
    private readonly SamplingOptions _options;
    private readonly SamplerWorkspace _workspace;
    private readonly TokenCounts? _counts;
    private Xoshiro256 _random;

    /// <summary>Makes the sampler of a sequence.</summary>
    /// <param name="options">How tokens are chosen; checked here.</param>
    /// <param name="prompt">Tokens before the output; counted by the repetition penalty. Each in the vocabulary.</param>
    /// <param name="maxTokens">Tokens that will be sampled at most; room for counting them is made now.</param>
    /// <param name="workspace">Buffers, lent; shared with the samplers that the same thread runs.</param>
    /// <exception cref="ArgumentException">An option is out of range, or a prompt token isn't in the vocabulary.</exception>
    public Sampler(SamplingOptions options, IReadOnlyList<TokenId> prompt, int maxTokens, SamplerWorkspace workspace)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(prompt);
        ArgumentNullException.ThrowIfNull(workspace);
        ArgumentOutOfRangeException.ThrowIfNegative(maxTokens);
        options.Validate(workspace.VocabularySize);
        for (int i = 0; i < prompt.Count; i++)
        {
            if ((uint)prompt[i].Value >= (uint)workspace.VocabularySize)
            {
                throw new ArgumentException($"Prompt token {i} is {prompt[i]}; the vocabulary has {workspace.VocabularySize}.", nameof(prompt));
            }
        }

        _options = options;
        _workspace = workspace;
        Seed = options.Seed ?? (ulong)Random.Shared.NextInt64(long.MinValue, long.MaxValue);
        _random = new Xoshiro256(Seed);
        if (options.RepetitionPenalty != 1f || options.FrequencyPenalty != 0f || options.PresencePenalty != 0f)
        {
            _counts = new TokenCounts(prompt, maxTokens, workspace.VocabularySize);
        }
    }

    /// <summary>The seed in use: the options' own, or the one drawn.</summary>
    public ulong Seed { get; }

    /// <summary>Chooses the next token and counts it as output.</summary>
    /// <param name="logits">Shape [vocabulary]; overwritten by biases and penalties.</param>
    /// <returns>The token.</returns>
    /// <exception cref="EngineException">A logit isn't a number or is +∞, or none is finite: <see cref="EngineFault.InvalidLogits"/>.</exception>
    public TokenId Sample(Span<float> logits)
    {
        if (logits.Length != _workspace.VocabularySize)
        {
            throw new ArgumentException($"There are {logits.Length} logits; the vocabulary has {_workspace.VocabularySize} tokens.", nameof(logits));
        }

        foreach (var (token, bias) in _options.LogitBias)
        {
            logits[token.Value] += bias;
        }

        _counts?.Penalize(_options, logits);
        int best = IndexOfBest(logits);
        int chosen = _options.Temperature == 0f || _options.TopK == 1 ? best : Draw(logits, logits[best]);
        var result = new TokenId(chosen);
        _counts?.Add(result);
        return result;
    }

    private static int IndexOfBest(ReadOnlySpan<float> logits)
    {
        int best = -1;
        float maximum = float.NegativeInfinity;
        for (int i = 0; i < logits.Length; i++)
        {
            float logit = logits[i];
            if (logit > maximum)
            {
                maximum = logit;
                best = i;
            }
            else if (float.IsNaN(logit))
            {
                throw Invalid($"The logit of token {i} isn't a number");
            }
        }

        return best < 0 || float.IsPositiveInfinity(maximum)
            ? throw Invalid(best < 0 ? "No logit is finite" : $"The logit of token {best} is infinite")
            : best;
    }

    private static EngineException Invalid(string what) =>
        new(EngineFault.InvalidLogits, $"{what}: the weights are corrupt, or activations were changed on the way. Check the model file on every stage.");

    // Weighs the tokens that the filters leave, and draws one of them.
    private int Draw(ReadOnlySpan<float> logits, float maximum)
    {
        int vocabulary = logits.Length;
        bool cutsByRank = (_options.TopK > 0 && _options.TopK < vocabulary) || _options.TopP < 1f;
        var kept = cutsByRank ? KeepBest(logits, maximum) : KeepAll(logits, maximum);

        // min-p: a token's share of the best one's probability is its weight, since the best one's weight is 1.
        double total = 0;
        foreach (int id in kept)
        {
            double weight = _workspace.Weights[id];
            total += weight >= _options.MinP ? weight : 0;
        }

        double draw = _random.NextUnit() * total;
        int last = -1;
        foreach (int id in kept)
        {
            double weight = _workspace.Weights[id];
            if (weight == 0 || weight < _options.MinP)
            {
                continue;
            }

            last = id;
            draw -= weight;
            if (draw < 0)
            {
                break;
            }
        }

        return last;
    }

    private ReadOnlySpan<int> KeepAll(ReadOnlySpan<float> logits, float maximum)
    {
        var candidates = _workspace.Candidates.AsSpan();
        for (int id = 0; id < logits.Length; id++)
        {
            candidates[id] = id;
            _workspace.Weights[id] = Weight(logits[id], maximum);
        }

        return candidates;
    }

    // The best tokens: at most top-k of them, then the shortest run of the best whose probability reaches top-p.
    private ReadOnlySpan<int> KeepBest(ReadOnlySpan<float> logits, float maximum)
    {
        var candidates = _workspace.Candidates.AsSpan();
        var all = KeepAll(logits, maximum);
        int limit = _options.TopK > 0 ? Math.Min(_options.TopK, all.Length) : all.Length;
        bool cutsByProbability = _options.TopP < 1f;
        double target = double.PositiveInfinity;
        if (cutsByProbability && limit == all.Length)
        {
            target = _options.TopP * Sum(all);
        }

        var heap = new CandidateHeap(candidates, logits);
        double reached = 0;
        int taken = 0;
        while (taken < limit && reached < target)
        {
            reached += _workspace.Weights[heap.Take()];
            taken++;
        }

        // Best one last, as the heap piles them up.
        var kept = candidates[^taken..];
        if (cutsByProbability && limit < all.Length)
        {
            target = _options.TopP * reached;
            reached = 0;
            int needed = 0;
            while (needed < taken && reached < target)
            {
                needed++;
                reached += _workspace.Weights[kept[^needed]];
            }

            kept = kept[^needed..];
        }

        return kept;
    }

    private double Sum(ReadOnlySpan<int> ids)
    {
        double sum = 0;
        foreach (int id in ids)
        {
            sum += _workspace.Weights[id];
        }

        return sum;
    }

    private double Weight(float logit, float maximum) => Math.Exp(((double)logit - maximum) / _options.Temperature);
}
