using System.Buffers;
using System.Text;

namespace NativeSplit.Model.Tokenization;

/// <summary>
/// Keeps the bytes of a character that isn't complete yet, at most three. Invalid bytes become U+FFFD, one for each maximal subpart,
/// as the WHATWG Encoding Standard has it. Nothing is allocated but the strings returned.
/// </summary>
internal sealed class Utf8StreamingDetokenizer : StreamingDetokenizer
{
    private const int LongestIncomplete = 3;

    private readonly VocabularyTokenizer _tokenizer;
    private readonly bool _printSpecial;
    private readonly byte[] _buffer;
    private bool _dropLeadingSpace;
    private int _pending;

    /// <summary>Starts a stream.</summary>
    /// <param name="tokenizer">Gives the bytes.</param>
    /// <param name="printSpecial">Whether special tokens appear in their written form.</param>
    /// <param name="dropLeadingSpace">Whether a space at the very start goes.</param>
    public Utf8StreamingDetokenizer(VocabularyTokenizer tokenizer, bool printSpecial, bool dropLeadingSpace)
    {
        _tokenizer = tokenizer;
        _printSpecial = printSpecial;
        _dropLeadingSpace = dropLeadingSpace;
        _buffer = new byte[tokenizer.LongestToken + LongestIncomplete];
    }

    /// <inheritdoc/>
    public override string Append(TokenId token)
    {
        ReadOnlySpan<byte> bytes = _tokenizer.BytesOf(token);
        if (bytes.IsEmpty || (!_printSpecial && _tokenizer.IsSpecial(token)))
        {
            return string.Empty;
        }

        if (_dropLeadingSpace)
        {
            _dropLeadingSpace = false;
            bytes = bytes[0] == (byte)' ' ? bytes[1..] : bytes;
        }

        bytes.CopyTo(_buffer.AsSpan(_pending));
        Span<byte> all = _buffer.AsSpan(0, _pending + bytes.Length);
        int complete = all.Length - IncompleteTail(all);
        string text = Encoding.UTF8.GetString(all[..complete]);
        all[complete..].CopyTo(_buffer);
        _pending = all.Length - complete;
        return text;
    }

    /// <inheritdoc/>
    public override string Finish()
    {
        string text = Encoding.UTF8.GetString(_buffer.AsSpan(0, _pending));
        _pending = 0;
        return text;
    }

    /// <summary>Number of bytes at the end that begin a character and may still become one.</summary>
    private static int IncompleteTail(ReadOnlySpan<byte> bytes)
    {
        for (int length = 1; length <= Math.Min(LongestIncomplete, bytes.Length); length++)
        {
            ReadOnlySpan<byte> tail = bytes[^length..];
            if ((tail[0] & 0xC0) != 0x80)
            {
                return Rune.DecodeFromUtf8(tail, out _, out _) == OperationStatus.NeedMoreData ? length : 0;
            }
        }

        return 0;
    }
}
