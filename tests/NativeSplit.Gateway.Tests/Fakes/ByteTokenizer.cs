using System.Text;
using NativeSplit.Model;
using NativeSplit.Model.Tokenization;

namespace NativeSplit.Gateway.Tests.Fakes;

/// <summary>Ids 0 to 255 are bytes, the ids after them the special tokens of <see cref="Specials"/>.</summary>
internal sealed class ByteTokenizer : Tokenizer
{
    public static readonly string[] Specials = ["<s>", "</s>", "<|im_start|>", "<|im_end|>"];

    public static readonly TokenId Begin = new(256);
    public static readonly TokenId TurnStart = new(258);
    public static readonly TokenId TurnEnd = new(259);

    public override int VocabularySize => 256 + Specials.Length;

    public override TokenId? BeginOfText => Begin;

    public override TokenId? EndOfText => new TokenId(257);

    public override IReadOnlySet<TokenId> EndOfGeneration => new HashSet<TokenId> { new(257), TurnEnd };

    public override IReadOnlyList<TokenId> Encode(string text, TokenizeOptions options)
    {
        List<TokenId> ids = options.AddSpecial ? [Begin] : [];
        for (int i = 0; i < text.Length;)
        {
            int special = options.ParseSpecial ? Array.FindIndex(Specials, s => string.CompareOrdinal(text, i, s, 0, s.Length) == 0) : -1;
            if (special >= 0)
            {
                ids.Add(new TokenId(256 + special));
                i += Specials[special].Length;
                continue;
            }

            int length = char.IsHighSurrogate(text[i]) ? 2 : 1;
            ids.AddRange(Encoding.UTF8.GetBytes(text.Substring(i, length)).Select(b => new TokenId(b)));
            i += length;
        }

        return ids;
    }

    public override ReadOnlySpan<byte> BytesOf(TokenId token) => token.Value < 256 ? [(byte)token.Value] : Encoding.UTF8.GetBytes(PieceOf(token));

    public override bool IsSpecial(TokenId token) => token.Value >= 256;

    public override string PieceOf(TokenId token) => token.Value < 256 ? $"<0x{token.Value:X2}>" : Specials[token.Value - 256];

    public override StreamingDetokenizer CreateDetokenizer(bool printSpecial) => throw new NotSupportedException();

    /// <summary>The ids as text, with special tokens in guillemets: <c>«&lt;s&gt;»</c>.</summary>
    public static string Show(IEnumerable<TokenId> ids)
    {
        List<byte> bytes = [];
        foreach (TokenId id in ids)
        {
            bytes.AddRange(id.Value < 256 ? [(byte)id.Value] : Encoding.UTF8.GetBytes($"«{Specials[id.Value - 256]}»"));
        }

        return Encoding.UTF8.GetString([.. bytes]);
    }
}
