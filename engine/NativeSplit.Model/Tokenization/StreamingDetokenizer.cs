namespace NativeSplit.Model.Tokenization;

/// <summary>Turns a stream of tokens into text, piece by piece, never with half a UTF-8 character. For one stream, one thread.</summary>
public abstract class StreamingDetokenizer
{
    /// <summary>Takes the next token and gives the text that is now complete; may be empty.</summary>
    public abstract string Append(TokenId token);

    /// <summary>Ends the stream: what is left, incomplete characters as U+FFFD.</summary>
    public abstract string Finish();
}
