using System.Globalization;

namespace NativeSplit.Host.Composition;

/// <summary>Reads whole numbers separated by commas.</summary>
internal static class NumberList
{
    /// <summary>The numbers; empty for an empty text.</summary>
    /// <param name="text">As <c>1,2,3</c>.</param>
    /// <param name="option">Name for the message.</param>
    /// <exception cref="UsageException">A part isn't a whole number.</exception>
    public static int[] Read(string text, string option)
    {
        string[] parts = text.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        int[] numbers = new int[parts.Length];
        for (int i = 0; i < parts.Length; i++)
        {
            if (!int.TryParse(parts[i], NumberStyles.None, CultureInfo.InvariantCulture, out numbers[i]))
            {
                throw new UsageException($"{option}: '{parts[i]}' isn't a whole number.");
            }
        }

        return numbers;
    }

    /// <summary>As <see cref="Read"/>, every number in a range.</summary>
    /// <exception cref="UsageException">A number is outside.</exception>
    public static int[] ReadInRange(string text, string option, int least, int most)
    {
        int[] numbers = Read(text, option);
        int bad = Array.FindIndex(numbers, number => number < least || number > most);
        return bad < 0 ? numbers : throw new UsageException($"{option} {numbers[bad]} is outside {least} to {most}.");
    }
}
