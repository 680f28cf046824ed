using System.Buffers;
using Microsoft.ML.Tokenizers;

namespace NativeSplit.Model.Tokenization;

/// <summary>Byte-level BPE (GPT-2, Llama 3, Qwen): the symbols are bytes, merges go by rank.</summary>
/// <remarks>
/// Words are encoded by <see cref="BpeTokenizer"/>, which is exact and caches the short ones. It has no <c>ignore_merges</c>, and it takes
/// merged symbols out of an array one by one, which is quadratic in the length of a word: those two cases are handled here.
/// </remarks>
internal sealed class ByteLevelEncoder : WordEncoder
{
    /// <summary>Longest word, in UTF-16 units, that the library gets.</summary>
    internal const int LongestLibraryWord = 256;

    private readonly PieceTable _pieces;
    private readonly MergeTable _merges;
    private readonly bool _ignoreMerges;
    private readonly BpeTokenizer _library;

    /// <summary>Makes the encoder.</summary>
    /// <param name="pieces">The vocabulary, written in the <see cref="ByteAlphabet"/>.</param>
    /// <param name="merges">Merges in rank order.</param>
    /// <param name="ignoreMerges">A word that is a piece becomes that piece, whatever the merges say.</param>
    /// <param name="source">Where the definition comes from, for messages.</param>
    public ByteLevelEncoder(PieceTable pieces, IReadOnlyList<MergePair> merges, bool ignoreMerges, string source)
    {
        _pieces = pieces;
        _merges = new MergeTable(merges, pieces, source);
        _ignoreMerges = ignoreMerges;
        _library = BpeTokenizer.Create(new BpeOptions(pieces.Entries)
        {
            ByteLevel = true,
            Merges = merges.Select(merge => $"{merge.Left} {merge.Right}"),
        });
    }

    /// <inheritdoc/>
    public override void Encode(ReadOnlySpan<char> word, List<TokenId> destination)
    {
        if (word.Length <= LongestLibraryWord && !_ignoreMerges)
        {
            EncodeByLibrary(word, destination);
            return;
        }

        char[] letters = ArrayPool<char>.Shared.Rent(3 * word.Length);
        ReadOnlySpan<char> bytes = letters.AsSpan(0, ByteAlphabet.Write(word, letters));
        if (_ignoreMerges && _pieces.TryGetId(bytes, out int whole))
        {
            destination.Add(new TokenId(whole));
        }
        else if (word.Length <= LongestLibraryWord)
        {
            EncodeByLibrary(word, destination);
        }
        else
        {
            EncodeLong(bytes, destination);
        }

        ArrayPool<char>.Shared.Return(letters);
    }

    private void EncodeByLibrary(ReadOnlySpan<char> word, List<TokenId> destination)
    {
        IReadOnlyList<int> ids = _library.EncodeToIds(word, considerPreTokenization: false, considerNormalization: false);
        for (int i = 0; i < ids.Count; i++)
        {
            destination.Add(new TokenId(ids[i]));
        }
    }

    /// <summary>Encodes a long word. A byte that the vocabulary lacks is left out, as the library leaves it out.</summary>
    internal void EncodeLong(ReadOnlySpan<char> bytes, List<TokenId> destination)
    {
        Symbol[] symbols = SymbolMerger.Rent(bytes.Length);
        int count = 0;
        for (int i = 0; i < bytes.Length; i++)
        {
            if (_pieces.TryGetId(bytes.Slice(i, 1), out int id))
            {
                symbols[count++] = new Symbol { Start = i, Length = 1, Id = id };
            }
        }

        var rule = new RankRule(_merges);
        SymbolMerger.Merge(symbols.AsSpan(0, count), ref rule);
        for (int i = count > 0 ? 0 : -1; i >= 0; i = symbols[i].Next)
        {
            destination.Add(new TokenId(symbols[i].Id));
        }

        SymbolMerger.Return(symbols);
    }
}
