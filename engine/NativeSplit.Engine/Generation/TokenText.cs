using NativeSplit.Model;
using NativeSplit.Model.Tokenization;

namespace NativeSplit.Engine.Generation;

/// <summary>Turns the tokens of one generation into the text that may be shown, and says when a token ends it.</summary>
internal sealed class TokenText
{
    private readonly StreamingDetokenizer _detokenizer;
    private readonly StopStringMatcher _stop;
    private readonly IReadOnlySet<TokenId> _endTokens;
    private readonly bool _ignoreEnd;
    private readonly bool _printSpecial;

    /// <summary>Starts the text of a request.</summary>
    /// <exception cref="ArgumentException">A stop string is malformed.</exception>
    public TokenText(GenerationRequest request, Tokenizer tokenizer, IReadOnlySet<TokenId> endTokens)
    {
        _stop = new StopStringMatcher(request.Stop);
        _detokenizer = tokenizer.CreateDetokenizer(request.PrintSpecial, continuesText: true);
        _endTokens = endTokens;
        _ignoreEnd = request.IgnoreEndOfGeneration;
        _printSpecial = request.PrintSpecial;
    }

    /// <summary>Takes the next token.</summary>
    /// <param name="token">The token. One that ends the generation is left out of the text unless special tokens are printed.</param>
    /// <param name="isLast">True when no token may follow.</param>
    /// <param name="finish">Set when the generation ends with this token.</param>
    /// <returns>Text that is complete and can't be part of a stop string.</returns>
    public string Append(TokenId token, bool isLast, out FinishReason? finish)
    {
        bool isEnd = !_ignoreEnd && _endTokens.Contains(token);
        string text = isEnd && !_printSpecial ? "" : _stop.Append(_detokenizer.Append(token));
        if (!_stop.IsMatched && (isEnd || isLast))
        {
            text += _stop.Append(_detokenizer.Finish());
            text += _stop.Finish();
        }

        finish = _stop.IsMatched || isEnd ? FinishReason.Stop : isLast ? FinishReason.Length : null;
        return text;
    }
}
