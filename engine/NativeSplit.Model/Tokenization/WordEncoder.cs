namespace NativeSplit.Model.Tokenization;

/// <summary>Turns one word into ids. Safe from any thread.</summary>
internal abstract class WordEncoder
{
    /// <summary>Encodes a word.</summary>
    /// <param name="word">Not empty; well-formed UTF-16.</param>
    /// <param name="destination">Gets the ids.</param>
    public abstract void Encode(ReadOnlySpan<char> word, List<TokenId> destination);
}
