using System.Text.RegularExpressions;

namespace NativeSplit.Model.Tokenization;

/// <summary>A stretch of a text.</summary>
/// <param name="Start">First UTF-16 unit.</param>
/// <param name="Length">Number of units; above 0.</param>
internal readonly record struct TextPiece(int Start, int Length);

/// <summary>Splits text into words that are encoded each on its own (a pre-tokenizer). No merge crosses a border.</summary>
internal abstract class TextSplitter
{
    /// <summary>Splits one piece. What lies outside it isn't seen, not even by a look-ahead.</summary>
    /// <param name="text">All text; one unit per character (see <see cref="CategoryShadow"/>).</param>
    /// <param name="piece">The part to split.</param>
    /// <param name="destination">Gets the parts in order.</param>
    public abstract void Split(string text, TextPiece piece, List<TextPiece> destination);

    /// <summary>Adds a part unless it is empty.</summary>
    private protected static void Add(List<TextPiece> destination, int start, int end)
    {
        if (end > start)
        {
            destination.Add(new TextPiece(start, end - start));
        }
    }
}

/// <summary>Each match is a word. What lies between matches is a word too, or is dropped.</summary>
internal sealed class RegexSplitter(Regex pattern, bool keepsGaps = true) : TextSplitter
{
    /// <inheritdoc/>
    public override void Split(string text, TextPiece piece, List<TextPiece> destination)
    {
        int end = 0;
        foreach (ValueMatch match in pattern.EnumerateMatches(text.AsSpan(piece.Start, piece.Length)))
        {
            if (keepsGaps)
            {
                Add(destination, piece.Start + end, piece.Start + match.Index);
            }

            end = match.Index + match.Length;
            Add(destination, piece.Start + match.Index, piece.Start + end);
        }

        if (keepsGaps)
        {
            Add(destination, piece.Start + end, piece.Start + piece.Length);
        }
    }
}

/// <summary>Begins a word at every mark (the splitting part of Metaspace).</summary>
internal sealed class MarkSplitter(char mark) : TextSplitter
{
    /// <inheritdoc/>
    public override void Split(string text, TextPiece piece, List<TextPiece> destination)
    {
        int start = piece.Start;
        for (int i = piece.Start + 1; i < piece.Start + piece.Length; i++)
        {
            if (text[i] == mark)
            {
                Add(destination, start, i);
                start = i;
            }
        }

        Add(destination, start, piece.Start + piece.Length);
    }
}
