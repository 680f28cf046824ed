using System.Globalization;
using System.Text;

namespace NativeSplit.Model.Tokenization;

/// <summary>The bytes that tokens stand for.</summary>
internal static class TokenBytes
{
    /// <summary>Lays the bytes of all tokens end to end.</summary>
    /// <returns>The bytes, and the offset of each id with one more at the end.</returns>
    public static (byte[] Bytes, int[] Offsets) Build(TokenizerDefinition definition)
    {
        int[] offsets = new int[definition.Pieces.Length + 1];
        using var bytes = new MemoryStream();
        for (int id = 0; id < definition.Pieces.Length; id++)
        {
            bytes.Write(BytesOf(definition, id));
            offsets[id + 1] = checked((int)bytes.Length);
        }

        return (bytes.ToArray(), offsets);
    }

    private static byte[] BytesOf(TokenizerDefinition definition, int id)
    {
        if (definition.Pieces[id] is not { } piece)
        {
            return [];
        }

        return definition.Kinds[id] switch
        {
            TokenKind.Byte when TryParseByte(piece, out byte value) => [value],
            TokenKind.Normal when definition.Algorithm == TokenizerAlgorithm.ByteLevelRanks => ByteAlphabet.Read(piece),
            TokenKind.Normal when definition.SpaceMark is { } mark => Encoding.UTF8.GetBytes(piece.Replace(mark, " ", StringComparison.Ordinal)),
            TokenKind.Normal or TokenKind.Control or TokenKind.Unknown or TokenKind.UserDefined => Encoding.UTF8.GetBytes(piece),
            _ => [],
        };
    }

    /// <summary>Reads the piece of a byte token, <c>&lt;0x0A&gt;</c>.</summary>
    public static bool TryParseByte(string piece, out byte value)
    {
        value = 0;
        return piece.Length == 6 && piece.StartsWith("<0x", StringComparison.Ordinal) && piece[5] == '>'
            && byte.TryParse(piece.AsSpan(3, 2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out value);
    }
}
