using NativeSplit.Engine.Execution;
using NativeSplit.Engine.Sampling;
using NativeSplit.Model;

namespace NativeSplit.Engine.Generation;

/// <summary>The numbers side of one generation: which rows it still has to run, and its sampler. Owned by the generator's loop.</summary>
internal sealed class ActiveSequence
{
    private readonly TokenId[] _tokens;   // prompt, then what was generated: all that a lost KV cache is rebuilt from
    private readonly Sampler _sampler;

    /// <summary>Starts before the first row of the prompt.</summary>
    public ActiveSequence(SequenceId id, TokenId[] prompt, int maxTokens, Sampler sampler)
    {
        Id = id;
        PromptTokens = prompt.Length;
        MaxTokens = maxTokens;
        _tokens = new TokenId[prompt.Length + maxTokens];
        prompt.CopyTo(_tokens, 0);
        _sampler = sampler;
    }

    /// <summary>Name of the sequence on every stage.</summary>
    public SequenceId Id { get; }

    /// <summary>Tokens to generate at most.</summary>
    public int MaxTokens { get; }

    /// <summary>Tokens of the prompt.</summary>
    public int PromptTokens { get; }

    /// <summary>Tokens generated so far.</summary>
    public int CompletionTokens { get; private set; }

    /// <summary>Positions cached so far.</summary>
    public int Cached { get; private set; }

    /// <summary>Rows that could run now: the rest of the prompt, or the newest token; after <see cref="Rewind"/> all tokens.</summary>
    public int PendingRows => PromptTokens + CompletionTokens - Cached;

    /// <summary>True while rows of the prompt, or of a cache that is being rebuilt, are still to be run.</summary>
    public bool IsPrefilling => Cached < PromptTokens || PendingRows > 1;

    /// <summary>Writes the tokens of the next rows.</summary>
    /// <param name="tokens">Shape [rows], rows ≤ <see cref="PendingRows"/>.</param>
    /// <returns>Where the rows stand in the sequence.</returns>
    public SequenceRows TakeRows(Span<TokenId> tokens)
    {
        _tokens.AsSpan(Cached, tokens.Length).CopyTo(tokens);
        return new SequenceRows(Id, Cached, tokens.Length);
    }

    /// <summary>Notes that rows have run on every stage.</summary>
    public void Advance(int rows) => Cached += rows;

    /// <summary>Notes that the stages have lost the sequence: all its tokens are to run again. The next token will be the one it would have been.</summary>
    public void Rewind() => Cached = 0;

    /// <summary>Chooses the next token.</summary>
    /// <param name="logits">Shape [vocabulary], of the newest row; overwritten.</param>
    /// <exception cref="EngineException">The logits aren't numbers.</exception>
    public TokenId Sample(Span<float> logits)
    {
        TokenId token = _sampler.Sample(logits);
        _tokens[PromptTokens + CompletionTokens] = token;
        CompletionTokens++;
        return token;
    }
}
