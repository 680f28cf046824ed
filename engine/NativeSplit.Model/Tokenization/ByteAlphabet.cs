using System.Text;

namespace NativeSplit.Model.Tokenization;

/// <summary>The 256 printable characters by which byte-level vocabularies write bytes.</summary>
/// <remarks>
/// Radford et al. 2019 (GPT-2): printable Latin-1 characters stand for themselves; the other bytes, in order, for U+0100 and up.
/// </remarks>
internal static class ByteAlphabet
{
    private const int FirstSubstitute = 0x100;

    private static readonly char[] Characters = BuildCharacters();
    private static readonly short[] Bytes = BuildBytes();

    /// <summary>The character of a byte.</summary>
    public static char CharacterOf(byte value) => Characters[value];

    /// <summary>Writes the bytes of a word in the alphabet.</summary>
    /// <param name="word">Well-formed UTF-16.</param>
    /// <param name="destination">Room for 3 characters per UTF-16 unit.</param>
    /// <returns>Characters written: one per UTF-8 byte.</returns>
    public static int Write(ReadOnlySpan<char> word, Span<char> destination)
    {
        int written = 0;
        Span<byte> utf8 = stackalloc byte[4];
        foreach (Rune rune in word.EnumerateRunes())
        {
            int count = rune.EncodeToUtf8(utf8);
            for (int i = 0; i < count; i++)
            {
                destination[written++] = Characters[utf8[i]];
            }
        }

        return written;
    }

    /// <summary>The bytes that a piece writes. A piece with a character outside the alphabet stands for its own UTF-8.</summary>
    public static byte[] Read(string piece)
    {
        byte[] bytes = new byte[piece.Length];
        for (int i = 0; i < piece.Length; i++)
        {
            if (piece[i] >= Bytes.Length || Bytes[piece[i]] < 0)
            {
                return Encoding.UTF8.GetBytes(piece);
            }

            bytes[i] = (byte)Bytes[piece[i]];
        }

        return bytes;
    }

    private static char[] BuildCharacters()
    {
        char[] characters = new char[256];
        int substitutes = 0;
        for (int value = 0; value < characters.Length; value++)
        {
            bool printable = value is (>= '!' and <= '~') or (>= 0xA1 and <= 0xAC) or (>= 0xAE and <= 0xFF);
            characters[value] = (char)(printable ? value : FirstSubstitute + substitutes++);
        }

        return characters;
    }

    private static short[] BuildBytes()
    {
        short[] bytes = new short[Characters.Max() + 1];
        Array.Fill(bytes, (short)-1);
        for (int value = 0; value < Characters.Length; value++)
        {
            bytes[Characters[value]] = (short)value;
        }

        return bytes;
    }
}
