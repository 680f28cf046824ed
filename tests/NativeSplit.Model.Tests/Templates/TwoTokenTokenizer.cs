using NativeSplit.Model.Tokenization;

namespace NativeSplit.Model.Tests.Templates;

/// <summary>Knows only how a text begins and ends, which is all that a chat template asks.</summary>
internal sealed class TwoTokenTokenizer(bool hasEnds = true) : Tokenizer
{
    private static readonly string[] Pieces = ["<s>", "</s>"];

    public override int VocabularySize => Pieces.Length;

    public override TokenId? BeginOfText => hasEnds ? new TokenId(0) : null;

    public override TokenId? EndOfText => hasEnds ? new TokenId(1) : null;

    public override IReadOnlySet<TokenId> EndOfGeneration => new HashSet<TokenId>();

    public override IReadOnlyList<TokenId> Encode(string text, TokenizeOptions options) => throw new NotSupportedException();

    public override ReadOnlySpan<byte> BytesOf(TokenId token) => throw new NotSupportedException();

    public override bool IsSpecial(TokenId token) => true;

    public override string PieceOf(TokenId token) => Pieces[token.Value];

    public override StreamingDetokenizer CreateDetokenizer(bool printSpecial) => throw new NotSupportedException();
}
