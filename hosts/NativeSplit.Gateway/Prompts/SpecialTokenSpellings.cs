using System.Buffers;
using System.Text;
using NativeSplit.Model;
using NativeSplit.Model.Tokenization;

namespace NativeSplit.Gateway.Prompts;

/// <summary>The written forms of a tokenizer's special tokens, and where they occur in a text. Immutable.</summary>
internal sealed class SpecialTokenSpellings
{
    private readonly string[] _longestFirst;
    private readonly SearchValues<string> _any;
    private readonly HashSet<string>.AlternateLookup<ReadOnlySpan<char>> _beginnings;
    private readonly HashSet<string>.AlternateLookup<ReadOnlySpan<char>> _ends;

    public SpecialTokenSpellings(Tokenizer tokenizer)
    {
        HashSet<string> spellings = new(StringComparer.Ordinal);
        for (int id = 0; id < tokenizer.VocabularySize; id++)
        {
            TokenId token = new(id);
            if (tokenizer.IsSpecial(token))
            {
                // Vocabularies that spell bytes their own way (Ġ for a blank) may differ in the two.
                spellings.Add(tokenizer.PieceOf(token));
                spellings.Add(Encoding.UTF8.GetString(tokenizer.BytesOf(token)));
            }
        }

        spellings.Remove("");
        _longestFirst = [.. spellings.OrderByDescending(spelling => spelling.Length)];
        _any = SearchValues.Create(_longestFirst, StringComparison.Ordinal);
        HashSet<string> beginnings = new(StringComparer.Ordinal);
        HashSet<string> ends = new(StringComparer.Ordinal);
        foreach (string spelling in _longestFirst)
        {
            for (int cut = 1; cut < spelling.Length; cut++)
            {
                beginnings.Add(spelling[..cut]);
                ends.Add(spelling[cut..]);
            }
        }

        _beginnings = beginnings.GetAlternateLookup<ReadOnlySpan<char>>();
        _ends = ends.GetAlternateLookup<ReadOnlySpan<char>>();
    }

    /// <summary>Finds the leftmost spelling, the longest of those that begin there.</summary>
    /// <returns>Its index, or −1.</returns>
    public int Find(ReadOnlySpan<char> text, out string spelling)
    {
        int index = text.IndexOfAny(_any);
        spelling = "";
        if (index >= 0)
        {
            foreach (string candidate in _longestFirst)
            {
                if (text[index..].StartsWith(candidate, StringComparison.Ordinal))
                {
                    spelling = candidate;
                    break;
                }
            }
        }

        return index;
    }

    /// <summary>Every spelling in a text, from left to right.</summary>
    public List<string> FindAll(ReadOnlySpan<char> text)
    {
        List<string> found = [];
        for (int index; (index = Find(text, out string spelling)) >= 0; text = text[(index + spelling.Length)..])
        {
            found.Add(spelling);
        }

        return found;
    }

    /// <summary>Whether a text begins with the end of a spelling: what stands before it could complete that.</summary>
    public bool BeginsInside(ReadOnlySpan<char> text)
    {
        for (int length = 1; length <= Math.Min(text.Length, LongestPart); length++)
        {
            if (_ends.Contains(text[..length]))
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>Whether a text ends with the beginning of a spelling: what follows it could complete that.</summary>
    public bool EndsInside(ReadOnlySpan<char> text)
    {
        for (int length = 1; length <= Math.Min(text.Length, LongestPart); length++)
        {
            if (_beginnings.Contains(text[^length..]))
            {
                return true;
            }
        }

        return false;
    }

    private int LongestPart => _longestFirst.Length == 0 ? 0 : _longestFirst[0].Length - 1;
}
