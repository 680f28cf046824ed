using System.Text;

namespace NativeSplit.Model.Tests.Tokenization;

/// <summary>Random well-formed text with characters of every kind and length in UTF-8.</summary>
internal static class RandomText
{
    private static readonly (int First, int Count)[] Ranges =
        [(0x20, 95), (0x61, 26), (0x61, 26), (0x00, 32), (0x80, 0x180), (0x300, 0x70), (0x400, 0x100), (0x4E00, 0x5000), (0xAC00, 11172), (0x1F600, 80), (0x1D400, 0x400), (0x10000, 0xFFFFF)];

    /// <summary>Makes a text of up to so many characters.</summary>
    public static string Create(Random random, int longest)
    {
        var text = new StringBuilder();
        for (int i = random.Next(longest + 1); i > 0; i--)
        {
            (int first, int count) = Ranges[random.Next(Ranges.Length)];
            text.Append(new Rune(first + random.Next(count)).ToString());
        }

        return text.ToString();
    }
}
