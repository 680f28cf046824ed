using System.Buffers;
using System.Globalization;
using System.Text;

namespace NativeSplit.Model.Tokenization;

/// <summary>A part of a text: either text still to be encoded, or a token.</summary>
/// <param name="Start">First UTF-16 unit of the text; 0 for a token.</param>
/// <param name="Length">Number of units; 0 for a token.</param>
/// <param name="Token">The token, or null for text.</param>
internal readonly record struct TextFragment(int Start, int Length, TokenId? Token)
{
    /// <summary>End of the text, exclusive.</summary>
    public int End => Start + Length;
}

/// <summary>Cuts added tokens out of a text. Immutable.</summary>
internal sealed class AddedTokenSplitter
{
    private readonly AddedToken[] _tokens;
    private readonly AddedTokenOrder _order;
    private readonly SearchValues<string> _anyToken;
    private readonly Dictionary<char, AddedToken[]> _tokensByFirst;

    /// <summary>Makes a splitter.</summary>
    /// <param name="tokens">The tokens to look for.</param>
    /// <param name="order">Which of overlapping ones wins.</param>
    public AddedTokenSplitter(IEnumerable<AddedToken> tokens, AddedTokenOrder order)
    {
        _tokens = [.. tokens.OrderByDescending(token => Encoding.UTF8.GetByteCount(token.Content)).ThenBy(token => token.Id.Value)];
        _order = order;
        _anyToken = SearchValues.Create([.. _tokens.Select(token => token.Content)], StringComparison.Ordinal);
        _tokensByFirst = _tokens.GroupBy(token => token.Content[0]).ToDictionary(group => group.Key, group => group.ToArray());
    }

    /// <summary>Splits a text.</summary>
    /// <param name="text">The text.</param>
    /// <returns>Its parts in order, no empty text among them.</returns>
    public List<TextFragment> Split(string text)
    {
        var fragments = new List<TextFragment>();
        if (text.Length == 0)
        {
            return fragments;
        }

        if (_tokens.Length == 0 || text.AsSpan().IndexOfAny(_anyToken) < 0)
        {
            fragments.Add(new TextFragment(0, text.Length, null));
            return fragments;
        }

        if (_order == AddedTokenOrder.LeftmostLongest)
        {
            SplitLeftmost(text, fragments);
            return fragments;
        }

        fragments.Add(new TextFragment(0, text.Length, null));
        foreach (AddedToken token in _tokens)
        {
            fragments = SplitBy(token, text, fragments);
        }

        return fragments;
    }

    private void SplitLeftmost(string text, List<TextFragment> fragments)
    {
        int start = 0;
        int search = 0;
        while (search < text.Length && text.AsSpan(search).IndexOfAny(_anyToken) is int offset and >= 0)
        {
            int index = search + offset;
            AddedToken token = LongestAt(text, index);
            int end = index + token.Content.Length;
            search = end;
            if (token.SingleWord && (EndsInWord(text.AsSpan(0, index)) || BeginsWithWord(text.AsSpan(end))))
            {
                continue;
            }

            Cut(token, text, new TextFragment(start, text.Length - start, null), index, fragments, out start);
            search = Math.Max(search, start);
        }

        AddText(fragments, start, text.Length);
    }

    private AddedToken LongestAt(string text, int index)
    {
        foreach (AddedToken token in _tokensByFirst[text[index]])
        {
            if (text.AsSpan(index).StartsWith(token.Content, StringComparison.Ordinal))
            {
                return token;
            }
        }

        throw new InvalidOperationException($"No added token begins at {index}.");
    }

    private static List<TextFragment> SplitBy(AddedToken token, string text, List<TextFragment> fragments)
    {
        if (!text.Contains(token.Content, StringComparison.Ordinal))
        {
            return fragments;
        }

        List<TextFragment>? result = null;
        for (int i = 0; i < fragments.Count; i++)
        {
            TextFragment rest = fragments[i];
            if (rest.Token is null && text.AsSpan(rest.Start, rest.Length).Contains(token.Content, StringComparison.Ordinal))
            {
                result ??= [.. fragments.Take(i)];
                while (text.AsSpan(rest.Start, rest.Length).IndexOf(token.Content, StringComparison.Ordinal) is int offset and >= 0)
                {
                    Cut(token, text, rest, rest.Start + offset, result, out int start);
                    rest = new TextFragment(start, rest.End - start, null);
                }

                AddText(result, rest.Start, rest.End);
            }
            else
            {
                result?.Add(rest);
            }
        }

        return result ?? fragments;
    }

    /// <summary>Adds the text before a match and the token; says where the text goes on.</summary>
    private static void Cut(AddedToken token, string text, TextFragment fragment, int index, List<TextFragment> fragments, out int rest)
    {
        int textEnd = index;
        while (token.StripLeft && textEnd > fragment.Start && char.IsWhiteSpace(text[textEnd - 1]))
        {
            textEnd--;
        }

        AddText(fragments, fragment.Start, textEnd);
        fragments.Add(new TextFragment(0, 0, token.Id));
        rest = index + token.Content.Length;
        while (token.StripRight && rest < fragment.End && char.IsWhiteSpace(text[rest]))
        {
            rest++;
        }
    }

    private static bool EndsInWord(ReadOnlySpan<char> text) =>
        Rune.DecodeLastFromUtf16(text, out Rune rune, out _) == OperationStatus.Done && IsWordCharacter(rune);

    private static bool BeginsWithWord(ReadOnlySpan<char> text) =>
        Rune.DecodeFromUtf16(text, out Rune rune, out _) == OperationStatus.Done && IsWordCharacter(rune);

    /// <summary><c>\w</c> of Unicode Technical Standard 18: letters, marks, digits, connectors, joiners.</summary>
    private static bool IsWordCharacter(Rune rune) => rune.Value is 0x200C or 0x200D || Rune.GetUnicodeCategory(rune) is
        UnicodeCategory.UppercaseLetter or UnicodeCategory.LowercaseLetter or UnicodeCategory.TitlecaseLetter or UnicodeCategory.ModifierLetter
        or UnicodeCategory.OtherLetter or UnicodeCategory.NonSpacingMark or UnicodeCategory.SpacingCombiningMark or UnicodeCategory.EnclosingMark
        or UnicodeCategory.DecimalDigitNumber or UnicodeCategory.LetterNumber or UnicodeCategory.ConnectorPunctuation;

    private static void AddText(List<TextFragment> fragments, int start, int end)
    {
        if (end > start)
        {
            fragments.Add(new TextFragment(start, end - start, null));
        }
    }
}
