using System.Globalization;

namespace NativeSplit.ModelMaker;

/// <summary>A made-up SentencePiece vocabulary: three special tokens, a token for every byte, then letters and invented words.</summary>
/// <remarks>Any text encodes, by bytes if need be, and any id decodes. It exists so that programs load the file.</remarks>
internal static class Vocabulary
{
    /// <summary>Fewest tokens a vocabulary may have: the special ones and the bytes.</summary>
    public const int Least = FirstWord;

    private const int FirstByte = 3;
    private const int FirstWord = FirstByte + 256;
    private const char SpaceMark = '\u2581';

    // GGUF's tokenizer.ggml.token_type.
    private const int Normal = 1;
    private const int Unknown = 2;
    private const int Control = 3;
    private const int Byte = 6;

    /// <summary>The piece of an id; every piece is there once.</summary>
    public static string PieceOf(int id) => id switch
    {
        0 => "<unk>",
        1 => "<s>",
        2 => "</s>",
        < FirstWord => string.Create(CultureInfo.InvariantCulture, $"<0x{id - FirstByte:X2}>"),
        FirstWord => SpaceMark.ToString(),
        _ => Word(id - FirstWord - 1),
    };

    /// <summary>Rank of an id when pieces are joined; higher goes first.</summary>
    public static float ScoreOf(int id) => id < FirstWord ? 0 : FirstWord - id;

    /// <summary>Kind of an id.</summary>
    public static int KindOf(int id) => id switch { 0 => Unknown, < FirstByte => Control, < FirstWord => Byte, _ => Normal };

    // a, ▁a, b, ▁b, …, z, ▁z, aa, ▁aa, …
    private static string Word(int index)
    {
        Span<char> letters = stackalloc char[16];
        int start = letters.Length;
        for (int rest = (index / 2) + 1; rest > 0; rest = (rest - 1) / 26)
        {
            letters[--start] = (char)('a' + ((rest - 1) % 26));
        }

        if (index % 2 == 1)
        {
            letters[--start] = SpaceMark;
        }

        return new string(letters[start..]);
    }
}
