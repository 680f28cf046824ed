using System.Text;

namespace NativeSplit.Model.Tokenization;

/// <summary>
/// SentencePiece-type BPE (Llama 1 and 2, Mistral): the symbols are characters; a character that the vocabulary lacks falls back to its bytes.
/// </summary>
/// <remarks>Our own, because the library has neither merging by scores without a SentencePiece model file nor byte fallback for ranked merges.</remarks>
internal sealed class CharacterEncoder : WordEncoder
{
    private readonly PieceTable _pieces;
    private readonly float[]? _scores;
    private readonly MergeTable? _merges;
    private readonly int[]? _byteIds;
    private readonly bool _ignoreMerges;
    private readonly bool _fuseUnknown;
    private readonly int _unknown;

    /// <summary>Makes the encoder.</summary>
    /// <param name="definition">Kind, vocabulary, scores or merges, and what becomes of unknown characters.</param>
    /// <param name="pieces">The vocabulary of the definition.</param>
    public CharacterEncoder(TokenizerDefinition definition, PieceTable pieces)
    {
        _pieces = pieces;
        _scores = definition.Algorithm == TokenizerAlgorithm.Scores ? definition.Scores : null;
        _merges = _scores is null ? new MergeTable(definition.Merges, pieces, definition.Source) : null;
        _byteIds = definition.ByteFallback ? pieces.FindByteIds() : null;
        _ignoreMerges = definition.IgnoreMerges;
        _fuseUnknown = definition.FuseUnknown;
        _unknown = definition.Unknown?.Value ?? -1;
    }

    /// <inheritdoc/>
    public override void Encode(ReadOnlySpan<char> word, List<TokenId> destination)
    {
        if (_ignoreMerges && _pieces.TryGetId(word, out int whole))
        {
            destination.Add(new TokenId(whole));
            return;
        }

        Symbol[] symbols = SymbolMerger.Rent(word.Length);
        int count = 0;
        int start = 0;
        foreach (Rune rune in word.EnumerateRunes())
        {
            int length = rune.Utf16SequenceLength;
            int id = _pieces.TryGetId(word.Slice(start, length), out int found) ? found : -1;
            symbols[count++] = new Symbol { Start = start, Length = length, Id = id };
            start += length;
        }

        if (_scores is not null)
        {
            var rule = new ScoreRule(word, _pieces, _scores);
            SymbolMerger.Merge(symbols.AsSpan(0, count), ref rule);
        }
        else
        {
            var rule = new RankRule(_merges!);
            SymbolMerger.Merge(symbols.AsSpan(0, count), ref rule);
        }

        Emit(word, symbols, destination);
        SymbolMerger.Return(symbols);
    }

    private void Emit(ReadOnlySpan<char> word, Symbol[] symbols, List<TokenId> destination)
    {
        bool afterUnknown = false;
        for (int i = 0; i >= 0; i = symbols[i].Next)
        {
            Symbol symbol = symbols[i];
            if (symbol.Id >= 0)
            {
                destination.Add(new TokenId(symbol.Id));
                afterUnknown = false;
            }
            else if (TryEmitBytes(word.Slice(symbol.Start, symbol.Length), destination))
            {
                afterUnknown = false;
            }
            else if (_unknown >= 0 && !(afterUnknown && _fuseUnknown))
            {
                destination.Add(new TokenId(_unknown));
                afterUnknown = true;
            }
        }
    }

    private bool TryEmitBytes(ReadOnlySpan<char> character, List<TokenId> destination)
    {
        if (_byteIds is null)
        {
            return false;
        }

        Span<byte> utf8 = stackalloc byte[4];
        utf8 = utf8[..Encoding.UTF8.GetBytes(character, utf8)];
        foreach (byte value in utf8)
        {
            if (_byteIds[value] < 0)
            {
                return false;
            }
        }

        foreach (byte value in utf8)
        {
            destination.Add(new TokenId(_byteIds[value]));
        }

        return true;
    }
}
