using System.Text;
using NativeSplit.Model;
using NativeSplit.Model.Tokenization;

namespace NativeSplit.Engine.Tests.Generation;

/// <summary>A tokenizer whose token i is written <c>[i]</c>, unless given other bytes. No encoding.</summary>
internal sealed class TestTokenizer(int vocabularySize, IReadOnlyDictionary<int, byte[]>? bytes = null, params int[] endTokens) : Tokenizer
{
    public override int VocabularySize => vocabularySize;

    public override TokenId? BeginOfText => null;

    public override TokenId? EndOfText => null;

    public override IReadOnlySet<TokenId> EndOfGeneration { get; } = endTokens.Select(id => new TokenId(id)).ToHashSet();

    public override IReadOnlyList<TokenId> Encode(string text, TokenizeOptions options) => throw new NotSupportedException();

    public override ReadOnlySpan<byte> BytesOf(TokenId token)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)token.Value, (uint)vocabularySize, nameof(token));
        return bytes is not null && bytes.TryGetValue(token.Value, out byte[]? own) ? own : Encoding.UTF8.GetBytes($"[{token}]");
    }

    public override bool IsSpecial(TokenId token) => EndOfGeneration.Contains(token);

    public override string PieceOf(TokenId token) => $"[{token}]";

    public override StreamingDetokenizer CreateDetokenizer(bool printSpecial) => new Stream(this, printSpecial);

    private sealed class Stream(TestTokenizer tokenizer, bool printSpecial) : StreamingDetokenizer
    {
        private readonly Decoder _decoder = Encoding.UTF8.GetDecoder();

        public override string Append(TokenId token) =>
            tokenizer.IsSpecial(token) && !printSpecial ? "" : Decode(tokenizer.BytesOf(token), flush: false);

        public override string Finish() => Decode([], flush: true);

        private string Decode(ReadOnlySpan<byte> piece, bool flush)
        {
            char[] text = new char[piece.Length + 4];
            return new string(text, 0, _decoder.GetChars(piece, text, flush));
        }
    }
}
