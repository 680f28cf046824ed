using System.Globalization;
using System.Text;

namespace NativeSplit.Model.Tokenization;

/// <summary>
/// A text in which every character outside the basic plane is one UTF-16 unit of the same general category. Regular expressions of .NET
/// see surrogates, not characters: on the shadow, <c>\p{L}</c> matches 𝔸 and <c>\p{N}{1,3}</c> counts 𝟘 once, as the published patterns mean it.
/// </summary>
internal static class CategoryShadow
{
    // One per general category, in the order of UnicodeCategory. None is ASCII, none has a case relation to ASCII.
    private const string Representatives =
        "\u0531\u0561\u01C5\u02B0\u05D0\u0300\u0903\u0488\u0660\u2160\u00B2\u2003\u2028\u2029\u0085\u00AD\uD800\uE000" +
        "\u203F\u2010\u2045\u2046\u00AB\u00BB\u2020\u2200\u20AC\u02C2\u2100\uFDD0";

    /// <summary>True when the text needs a shadow: it has characters outside the basic plane.</summary>
    /// <param name="text">Well-formed UTF-16.</param>
    public static bool IsNeeded(ReadOnlySpan<char> text) => text.IndexOfAnyInRange('\uD800', '\uDFFF') >= 0;

    /// <summary>Makes the shadow.</summary>
    /// <param name="text">Well-formed UTF-16.</param>
    /// <returns>One unit per character of the text.</returns>
    public static string Create(string text)
    {
        var shadow = new StringBuilder(text.Length);
        foreach (Rune rune in text.EnumerateRunes())
        {
            shadow.Append(rune.IsBmp ? (char)rune.Value : RepresentativeOf(Rune.GetUnicodeCategory(rune)));
        }

        return shadow.ToString();
    }

    /// <summary>Turns lengths in characters into lengths in UTF-16 units.</summary>
    /// <param name="text">The text the shadow was made of.</param>
    /// <param name="pieces">Ranges of the shadow, in order; become ranges of the text.</param>
    public static void MapToText(string text, List<TextPiece> pieces)
    {
        int unit = 0;
        int character = 0;
        for (int i = 0; i < pieces.Count; i++)
        {
            TextPiece piece = pieces[i];
            Advance(text, piece.Start, ref unit, ref character);
            int start = unit;
            Advance(text, piece.Start + piece.Length, ref unit, ref character);
            pieces[i] = new TextPiece(start, unit - start);
        }
    }

    /// <summary>The unit that stands for a category.</summary>
    public static char RepresentativeOf(UnicodeCategory category) => Representatives[(int)category];

    private static void Advance(string text, int target, ref int unit, ref int character)
    {
        for (; character < target; character++)
        {
            unit += char.IsHighSurrogate(text[unit]) ? 2 : 1;
        }
    }
}
