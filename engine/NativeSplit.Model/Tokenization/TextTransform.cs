using System.Text;

namespace NativeSplit.Model.Tokenization;

/// <summary>A step that rewrites text before it is split into words: a normalizer, or the part of a pre-tokenizer that adds or replaces spaces.</summary>
internal abstract class TextTransform
{
    /// <summary>Stands for a space in the vocabularies of SentencePiece.</summary>
    public const char SpaceMark = '\u2581';

    /// <summary>Rewrites a fragment; the same instance when nothing changes.</summary>
    /// <param name="text">Not empty; well-formed UTF-16.</param>
    /// <param name="startsText">True when the fragment is the first thing in the text, no token before it.</param>
    public abstract string Apply(string text, bool startsText);
}

/// <summary>Puts a string before every fragment.</summary>
internal sealed class PrependTransform(string prefix) : TextTransform
{
    /// <inheritdoc/>
    public override string Apply(string text, bool startsText) => prefix + text;
}

/// <summary>Puts one string in place of another.</summary>
internal sealed class ReplaceTransform(string pattern, string replacement) : TextTransform
{
    /// <inheritdoc/>
    public override string Apply(string text, bool startsText) => text.Replace(pattern, replacement, StringComparison.Ordinal);
}

/// <summary>Normalization form C.</summary>
internal sealed class ComposeTransform : TextTransform
{
    /// <inheritdoc/>
    public override string Apply(string text, bool startsText) => CanonicalComposition.Normalize(text);
}

/// <summary>Takes white space off the ends.</summary>
internal sealed class StripTransform(bool left, bool right) : TextTransform
{
    /// <inheritdoc/>
    public override string Apply(string text, bool startsText)
    {
        string stripped = left ? text.TrimStart() : text;
        return right ? stripped.TrimEnd() : stripped;
    }
}

/// <summary>A space before every fragment that doesn't begin with one (<c>add_prefix_space</c> of ByteLevel).</summary>
internal sealed class PrefixSpaceTransform : TextTransform
{
    /// <inheritdoc/>
    public override string Apply(string text, bool startsText) => text.StartsWith(' ') ? text : ' ' + text;
}

/// <summary>Where Metaspace puts a mark before a fragment that doesn't begin with one.</summary>
internal enum MarkPlacement
{
    /// <summary>Nowhere.</summary>
    Never,

    /// <summary>Before the first fragment, if no token comes before it.</summary>
    First,

    /// <summary>Before every fragment.</summary>
    Always,
}

/// <summary>Spaces become marks, and a mark goes in front (Metaspace).</summary>
internal sealed class MetaspaceTransform(string mark, MarkPlacement placement) : TextTransform
{
    /// <inheritdoc/>
    public override string Apply(string text, bool startsText)
    {
        string marked = text.Replace(" ", mark, StringComparison.Ordinal);
        bool prepend = placement == MarkPlacement.Always || (placement == MarkPlacement.First && startsText);
        return prepend && !marked.StartsWith(mark, StringComparison.Ordinal) ? mark + marked : marked;
    }
}

/// <summary>Helpers for UTF-16 that may not be well formed.</summary>
internal static class Utf16
{
    /// <summary>The text with every unpaired surrogate replaced by U+FFFD; the same instance when there is none.</summary>
    public static string ReplaceUnpaired(string text)
    {
        int first = text.AsSpan().IndexOfAnyInRange('\uD800', '\uDFFF');
        if (first < 0)
        {
            return text;
        }

        StringBuilder? repaired = null;
        for (int i = first; i < text.Length; i++)
        {
            if (char.IsHighSurrogate(text[i]) && i + 1 < text.Length && char.IsLowSurrogate(text[i + 1]))
            {
                i++;
            }
            else if (char.IsSurrogate(text[i]))
            {
                repaired ??= new StringBuilder(text);
                repaired[i] = '\uFFFD';
            }
        }

        return repaired?.ToString() ?? text;
    }
}
