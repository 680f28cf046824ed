using NativeSplit.Engine.Execution;
using NativeSplit.Engine.Sampling;
using NativeSplit.Model;

namespace NativeSplit.Engine.Generation;

/// <summary>The numbers side of one generation: which rows it still has to run, and its sampler. Owned by the generator's loop.</summary>
internal sealed class ActiveSequence
{
    private readonly TokenId[] _prompt;
    private readonly Sampler _sampler;
    private TokenId _newest;

    /// <summary>Starts before the first row of the prompt.</summary>
    public ActiveSequence(SequenceId id, TokenId[] prompt, int maxTokens, Sampler sampler)
    {
        Id = id;
        _prompt = prompt;
        MaxTokens = maxTokens;
        _sampler = sampler;
    }

    /// <summary>Name of the sequence on every stage.</summary>
    public SequenceId Id { get; }

    /// <summary>Tokens to generate at most.</summary>
    public int MaxTokens { get; }

    /// <summary>Tokens of the prompt.</summary>
    public int PromptTokens => _prompt.Length;

    /// <summary>Tokens generated so far.</summary>
    public int CompletionTokens { get; private set; }

    /// <summary>Positions cached so far.</summary>
    public int Cached { get; private set; }

    /// <summary>Rows that could run now: the rest of the prompt, or the newest token.</summary>
    public int PendingRows => PromptTokens + CompletionTokens - Cached;

    /// <summary>True while rows of the prompt are still to be run.</summary>
    public bool IsPrefilling => Cached < PromptTokens;

    /// <summary>Writes the tokens of the next rows.</summary>
    /// <param name="tokens">Shape [rows], rows ≤ <see cref="PendingRows"/>.</param>
    /// <returns>Where the rows stand in the sequence.</returns>
    public SequenceRows TakeRows(Span<TokenId> tokens)
    {
        for (int i = 0; i < tokens.Length; i++)
        {
            tokens[i] = Cached + i < PromptTokens ? _prompt[Cached + i] : _newest;
        }

        return new SequenceRows(Id, Cached, tokens.Length);
    }

    /// <summary>Notes that rows have run on every stage.</summary>
    public void Advance(int rows) => Cached += rows;

    /// <summary>Chooses the next token.</summary>
    /// <param name="logits">Shape [vocabulary], of the newest row; overwritten.</param>
    /// <exception cref="EngineException">The logits aren't numbers.</exception>
    public TokenId Sample(Span<float> logits)
    {
        _newest = _sampler.Sample(logits);
        CompletionTokens++;
        return _newest;
    }
}
