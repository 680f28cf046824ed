namespace NativeSplit.Jinja;

/// <summary>White space as ECMAScript counts it (WhiteSpace and LineTerminator, and so <c>\s</c> and <c>trim</c>).</summary>
internal static class WhiteSpace
{
    /// <summary>Whether a code unit is white space. Unlike .NET, U+FEFF is and U+0085 isn't.</summary>
    public static bool Is(char c) => c == '\uFEFF' || (c != '\u0085' && char.IsWhiteSpace(c));

    public static string Trim(string text) => TrimEnd(TrimStart(text));

    public static string TrimStart(string text)
    {
        int start = 0;
        while (start < text.Length && Is(text[start]))
        {
            start++;
        }

        return text[start..];
    }

    public static string TrimEnd(string text)
    {
        int end = text.Length;
        while (end > 0 && Is(text[end - 1]))
        {
            end--;
        }

        return text[..end];
    }
}
