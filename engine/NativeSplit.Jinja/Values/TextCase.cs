using System.Text;

namespace NativeSplit.Jinja.Values;

/// <summary>Upper and lower case by the full rules of Unicode, without any locale: one character may become several.</summary>
internal static class TextCase
{
    /// <summary>
    /// Characters each followed by its upper case: those whose upper case is longer (Unicode, SpecialCasing.txt, unconditional
    /// part), and the two letters that .NET keeps apart from ASCII.
    /// </summary>
    private const string OtherUpperCase =
        "\u0131I \u017FS \u00DFSS \u0149\u02BCN \u01F0J\u030C \u0390\u0399\u0308\u0301 \u03B0\u03A5\u0308\u0301 \u0587\u0535\u0552 \u1E96H\u0331 \u1E97T\u0308 "
        + "\u1E98W\u030A \u1E99Y\u030A \u1E9AA\u02BE \u1F50\u03A5\u0313 \u1F52\u03A5\u0313\u0300 \u1F54\u03A5\u0313\u0301 \u1F56\u03A5\u0313\u0342 \u1F80\u1F08\u0399 "
        + "\u1F81\u1F09\u0399 \u1F82\u1F0A\u0399 \u1F83\u1F0B\u0399 \u1F84\u1F0C\u0399 \u1F85\u1F0D\u0399 \u1F86\u1F0E\u0399 \u1F87\u1F0F\u0399 \u1F88\u1F08\u0399 "
        + "\u1F89\u1F09\u0399 \u1F8A\u1F0A\u0399 \u1F8B\u1F0B\u0399 \u1F8C\u1F0C\u0399 \u1F8D\u1F0D\u0399 \u1F8E\u1F0E\u0399 \u1F8F\u1F0F\u0399 \u1F90\u1F28\u0399 "
        + "\u1F91\u1F29\u0399 \u1F92\u1F2A\u0399 \u1F93\u1F2B\u0399 \u1F94\u1F2C\u0399 \u1F95\u1F2D\u0399 \u1F96\u1F2E\u0399 \u1F97\u1F2F\u0399 \u1F98\u1F28\u0399 "
        + "\u1F99\u1F29\u0399 \u1F9A\u1F2A\u0399 \u1F9B\u1F2B\u0399 \u1F9C\u1F2C\u0399 \u1F9D\u1F2D\u0399 \u1F9E\u1F2E\u0399 \u1F9F\u1F2F\u0399 \u1FA0\u1F68\u0399 "
        + "\u1FA1\u1F69\u0399 \u1FA2\u1F6A\u0399 \u1FA3\u1F6B\u0399 \u1FA4\u1F6C\u0399 \u1FA5\u1F6D\u0399 \u1FA6\u1F6E\u0399 \u1FA7\u1F6F\u0399 \u1FA8\u1F68\u0399 "
        + "\u1FA9\u1F69\u0399 \u1FAA\u1F6A\u0399 \u1FAB\u1F6B\u0399 \u1FAC\u1F6C\u0399 \u1FAD\u1F6D\u0399 \u1FAE\u1F6E\u0399 \u1FAF\u1F6F\u0399 \u1FB2\u1FBA\u0399 "
        + "\u1FB3\u0391\u0399 \u1FB4\u0386\u0399 \u1FB6\u0391\u0342 \u1FB7\u0391\u0342\u0399 \u1FBC\u0391\u0399 \u1FC2\u1FCA\u0399 \u1FC3\u0397\u0399 \u1FC4\u0389\u0399 "
        + "\u1FC6\u0397\u0342 \u1FC7\u0397\u0342\u0399 \u1FCC\u0397\u0399 \u1FD2\u0399\u0308\u0300 \u1FD3\u0399\u0308\u0301 \u1FD6\u0399\u0342 \u1FD7\u0399\u0308\u0342 \u1FE2\u03A5\u0308\u0300 "
        + "\u1FE3\u03A5\u0308\u0301 \u1FE4\u03A1\u0313 \u1FE6\u03A5\u0342 \u1FE7\u03A5\u0308\u0342 \u1FF2\u1FFA\u0399 \u1FF3\u03A9\u0399 \u1FF4\u038F\u0399 \u1FF6\u03A9\u0342 "
        + "\u1FF7\u03A9\u0342\u0399 \u1FFC\u03A9\u0399 \uFB00FF \uFB01FI \uFB02FL \uFB03FFI \uFB04FFL \uFB05ST "
        + "\uFB06ST \uFB13\u0544\u0546 \uFB14\u0544\u0535 \uFB15\u0544\u053B \uFB16\u054E\u0546 \uFB17\u0544\u053D";

    private static readonly Dictionary<char, string> OtherUpper = ReadTable();

    public static string ToUpper(string text)
    {
        string upper = text.ToUpperInvariant();
        int first = upper.AsSpan().IndexOfAnyInRange('\u0080', '\uFFFF');
        if (first < 0)
        {
            return upper;
        }

        StringBuilder result = new(upper.Length);
        result.Append(upper, 0, first);
        foreach (char c in upper.AsSpan(first))
        {
            if (OtherUpper.TryGetValue(c, out string? other))
            {
                result.Append(other);
            }
            else
            {
                result.Append(c);
            }
        }

        return result.ToString();
    }

    public static string ToLower(string text)
    {
        string lower = text.ToLowerInvariant();
        if (text.AsSpan().IndexOfAny('Σ', 'İ') < 0)
        {
            return lower;
        }

        StringBuilder result = new(lower.Length);
        for (int i = 0; i < text.Length; i++)
        {
            switch (text[i])
            {
                case 'İ': result.Append("i\u0307"); break;
                case 'Σ': result.Append(IsFinalSigma(text, i) ? 'ς' : 'σ'); break;
                default: result.Append(lower[i]); break;
            }
        }

        return result.ToString();
    }

    /// <summary>The first letter of each word of ASCII letters, digits and underscores in upper case; the rest as it is.</summary>
    public static string ToTitle(string text)
    {
        StringBuilder result = new(text.Length);
        bool inWord = false;
        foreach (char c in text)
        {
            bool isWord = char.IsAsciiLetterOrDigit(c) || c == '_';
            result.Append(isWord && !inWord ? char.ToUpperInvariant(c) : c);
            inWord = isWord;
        }

        return result.ToString();
    }

    /// <summary>The first character in upper case; the rest as it is.</summary>
    public static string Capitalize(string text) => text.Length == 0 ? text : ToUpper(text[..1]) + text[1..];

    /// <summary>A sigma is final after a letter and before none, marks apart (Unicode, Final_Sigma).</summary>
    private static bool IsFinalSigma(string text, int position)
    {
        int before = position - 1;
        while (before >= 0 && IsCaseIgnorable(text[before]))
        {
            before--;
        }

        int after = position + 1;
        while (after < text.Length && IsCaseIgnorable(text[after]))
        {
            after++;
        }

        return before >= 0 && char.IsLetter(text[before]) && !(after < text.Length && char.IsLetter(text[after]));
    }

    private static bool IsCaseIgnorable(char c) =>
        c is '\'' or '.' or ':' or '^' or '`' or '\u00AD' or '\u2019'
        || char.GetUnicodeCategory(c) is System.Globalization.UnicodeCategory.NonSpacingMark or System.Globalization.UnicodeCategory.ModifierLetter
            or System.Globalization.UnicodeCategory.ModifierSymbol or System.Globalization.UnicodeCategory.Format;

    private static Dictionary<char, string> ReadTable() =>
        OtherUpperCase.Split(' ').ToDictionary(entry => entry[0], entry => entry[1..]);
}
