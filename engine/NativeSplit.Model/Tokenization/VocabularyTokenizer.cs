namespace NativeSplit.Model.Tokenization;

/// <summary>The tokenizer of a <see cref="TokenizerDefinition"/>.</summary>
internal sealed class VocabularyTokenizer : Tokenizer
{
    private readonly TokenizerDefinition _definition;
    private readonly PieceTable _pieces;
    private readonly WordEncoder _encoder;
    private readonly AddedTokenSplitter _rawAll;
    private readonly AddedTokenSplitter _rawPlain;
    private readonly AddedTokenSplitter? _normalizedAll;
    private readonly AddedTokenSplitter? _normalizedPlain;
    private readonly byte[] _bytes;
    private readonly int[] _offsets;

    /// <summary>Builds the tables.</summary>
    /// <exception cref="ModelException">The definition contradicts itself.</exception>
    public VocabularyTokenizer(TokenizerDefinition definition)
    {
        _definition = definition with { Merges = [] }; // Only the encoder needs them, in its own form.
        _pieces = new PieceTable(definition.Pieces, definition.Source);
        _encoder = definition.Algorithm == TokenizerAlgorithm.ByteLevelRanks
            ? new ByteLevelEncoder(_pieces, definition.Merges, definition.IgnoreMerges, definition.Source)
            : new CharacterEncoder(definition, _pieces);

        AddedToken[] raw = [.. definition.AddedTokens.Where(token => !token.Normalized)];
        AddedToken[] normalized = [.. definition.AddedTokens.Where(token => token.Normalized).Select(NormalizeContent).Where(token => token.Content.Length > 0)];
        _rawAll = new AddedTokenSplitter(raw, definition.AddedTokenOrder);
        _rawPlain = new AddedTokenSplitter(raw.Where(token => !token.Special), definition.AddedTokenOrder);
        if (normalized.Length > 0)
        {
            _normalizedAll = new AddedTokenSplitter(normalized, definition.AddedTokenOrder);
            _normalizedPlain = new AddedTokenSplitter(normalized.Where(token => !token.Special), definition.AddedTokenOrder);
        }

        (_bytes, _offsets) = TokenBytes.Build(definition);
        LongestToken = Enumerable.Range(0, _pieces.Count).Max(id => _offsets[id + 1] - _offsets[id]);
    }

    /// <inheritdoc/>
    public override int VocabularySize => _pieces.Count;

    /// <inheritdoc/>
    public override TokenId? BeginOfText => _definition.BeginOfText;

    /// <inheritdoc/>
    public override TokenId? EndOfText => _definition.EndOfText;

    /// <inheritdoc/>
    public override IReadOnlySet<TokenId> EndOfGeneration => _definition.EndOfGeneration;

    /// <summary>Length in bytes of the longest token.</summary>
    internal int LongestToken { get; }

    /// <inheritdoc/>
    public override IReadOnlyList<TokenId> Encode(string text, TokenizeOptions options)
    {
        ArgumentNullException.ThrowIfNull(text);
        var ids = new List<TokenId>((text.Length / 3) + 4);
        if (options.AddSpecial)
        {
            ids.AddRange(_definition.Prefix);
        }

        string wellFormed = Utf16.ReplaceUnpaired(text);
        int prefix = ids.Count;
        foreach (TextFragment fragment in (options.ParseSpecial ? _rawAll : _rawPlain).Split(wellFormed))
        {
            if (fragment.Token is { } token)
            {
                ids.Add(token);
                continue;
            }

            bool startsText = fragment.Start == 0;
            string part = Apply(_definition.Normalizers, wellFormed.Substring(fragment.Start, fragment.Length), startsText);
            EncodeNormalized(part, startsText, options.ParseSpecial ? _normalizedAll : _normalizedPlain, ids);
        }

        if (options.AddSpecial)
        {
            ids.AddRange(_definition.Suffix);
        }

        return ids;
    }

    /// <inheritdoc/>
    public override ReadOnlySpan<byte> BytesOf(TokenId token)
    {
        int id = Check(token);
        return _bytes.AsSpan(_offsets[id], _offsets[id + 1] - _offsets[id]);
    }

    /// <inheritdoc/>
    public override bool IsSpecial(TokenId token) => _definition.Kinds[Check(token)] is TokenKind.Control or TokenKind.Unknown;

    /// <inheritdoc/>
    public override string PieceOf(TokenId token) => _pieces[Check(token)] ?? string.Empty;

    /// <inheritdoc/>
    public override StreamingDetokenizer CreateDetokenizer(bool printSpecial) => CreateDetokenizer(printSpecial, continuesText: false);

    /// <inheritdoc/>
    public override StreamingDetokenizer CreateDetokenizer(bool printSpecial, bool continuesText) =>
        new Utf8StreamingDetokenizer(this, printSpecial, dropLeadingSpace: _definition.DropsLeadingSpace && !continuesText);

    private static string Apply(IReadOnlyList<TextTransform> transforms, string text, bool startsText)
    {
        foreach (TextTransform transform in transforms)
        {
            text = text.Length == 0 ? text : transform.Apply(text, startsText);
        }

        return text;
    }

    private void EncodeNormalized(string text, bool startsText, AddedTokenSplitter? splitter, List<TokenId> ids)
    {
        if (splitter is null)
        {
            EncodeWords(text, startsText, ids);
            return;
        }

        foreach (TextFragment fragment in splitter.Split(text))
        {
            if (fragment.Token is { } token)
            {
                ids.Add(token);
            }
            else
            {
                EncodeWords(text.Substring(fragment.Start, fragment.Length), startsText && fragment.Start == 0, ids);
            }
        }
    }

    private void EncodeWords(string text, bool startsText, List<TokenId> ids)
    {
        text = Apply(_definition.Transforms, text, startsText);
        if (text.Length == 0)
        {
            return;
        }

        if (_definition.Splitters.Count == 0)
        {
            _encoder.Encode(text, ids);
            return;
        }

        bool shadowed = CategoryShadow.IsNeeded(text);
        string view = shadowed ? CategoryShadow.Create(text) : text;
        var pieces = new List<TextPiece> { new(0, view.Length) };
        foreach (TextSplitter splitter in _definition.Splitters)
        {
            var parts = new List<TextPiece>(pieces.Count + (view.Length / 4));
            foreach (TextPiece piece in pieces)
            {
                splitter.Split(view, piece, parts);
            }

            pieces = parts;
        }

        if (shadowed)
        {
            CategoryShadow.MapToText(text, pieces);
        }

        foreach (TextPiece piece in pieces)
        {
            _encoder.Encode(text.AsSpan(piece.Start, piece.Length), ids);
        }
    }

    private AddedToken NormalizeContent(AddedToken token) =>
        token with { Content = Apply(_definition.Normalizers, token.Content, startsText: false) };

    private int Check(TokenId token)
    {
        if ((uint)token.Value >= (uint)_pieces.Count)
        {
            throw new ArgumentOutOfRangeException(nameof(token), token.Value, $"The vocabulary has ids 0 to {_pieces.Count - 1}.");
        }

        return token.Value;
    }
}
