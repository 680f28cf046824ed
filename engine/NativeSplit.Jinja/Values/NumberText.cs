using System.Globalization;
using System.Numerics;

namespace NativeSplit.Jinja.Values;

/// <summary>Numbers as text, both ways, as ECMAScript writes and reads them.</summary>
internal static class NumberText
{
    /// <summary>A float as a template prints it: whole numbers keep one digit after the point (<c>3.0</c>).</summary>
    public static string Print(double value)
    {
        if (value == 0 && double.IsNegative(value))
        {
            return "-0.0";
        }

        bool isWhole = double.IsFinite(value) && Math.Floor(value) == value && Math.Abs(value) < 1e21;
        return isWhole ? new BigInteger(value).ToString(CultureInfo.InvariantCulture) + ".0" : Format(value);
    }

    /// <summary>
    /// The shortest digits that read back as the same number (ECMA-262, Number::toString): plain between 1e-6 and 1e21,
    /// with an exponent outside.
    /// </summary>
    public static string Format(double value)
    {
        if (!double.IsFinite(value))
        {
            return double.IsNaN(value) ? "NaN" : value > 0 ? "Infinity" : "-Infinity";
        }

        if (value == 0)
        {
            return "0";
        }

        // .NET finds the same shortest digits and only lays them out otherwise.
        string shortest = value.ToString("R", CultureInfo.InvariantCulture);
        string sign = value < 0 ? "-" : string.Empty;
        (string digits, int point) = SplitDigits(shortest.TrimStart('-'));
        if (point is > 0 and <= 21)
        {
            return digits.Length <= point
                ? sign + digits.PadRight(point, '0')
                : $"{sign}{digits[..point]}.{digits[point..]}";
        }

        if (point is > -6 and <= 0)
        {
            return $"{sign}0.{new string('0', -point)}{digits}";
        }

        int exponent = point - 1;
        string fraction = digits.Length > 1 ? "." + digits[1..] : string.Empty;
        return $"{sign}{digits[0]}{fraction}e{(exponent < 0 ? '-' : '+')}{Math.Abs(exponent)}";
    }

    /// <summary>Significant digits, and how many of them stand before the point (0.5 gives "5" and 0).</summary>
    private static (string Digits, int Point) SplitDigits(string text)
    {
        int exponentMark = text.IndexOf('E', StringComparison.Ordinal);
        int exponent = exponentMark < 0 ? 0 : int.Parse(text.AsSpan(exponentMark + 1), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture);
        string mantissa = exponentMark < 0 ? text : text[..exponentMark];
        int dot = mantissa.IndexOf('.', StringComparison.Ordinal);
        int point = (dot < 0 ? mantissa.Length : dot) + exponent;
        string digits = mantissa.Replace(".", string.Empty, StringComparison.Ordinal);
        string significant = digits.TrimStart('0');
        point -= digits.Length - significant.Length;
        return (significant.TrimEnd('0'), point);
    }

    /// <summary>What a whole string is as a number when it is compared with one; NaN if it is none (ECMA-262, StringToNumber).</summary>
    public static double ParseWhole(string text)
    {
        string trimmed = WhiteSpace.Trim(text);
        if (trimmed.Length == 0)
        {
            return 0;
        }

        if (trimmed.StartsWith("0x", StringComparison.OrdinalIgnoreCase))
        {
            return BigInteger.TryParse("0" + trimmed[2..], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out BigInteger hex)
                && trimmed.Length > 2
                ? (double)hex
                : double.NaN;
        }

        int length = FloatPrefix(trimmed);
        return length == trimmed.Length ? ParsePrefix(trimmed) : double.NaN;
    }

    /// <summary>The float at the start of a string, or null.</summary>
    public static double? ParseFloat(string text)
    {
        string trimmed = WhiteSpace.TrimStart(text);
        int length = FloatPrefix(trimmed);
        return length == 0 ? null : ParsePrefix(trimmed[..length]);
    }

    /// <summary>The whole number at the start of a string, or null.</summary>
    public static BigInteger? ParseInteger(string text)
    {
        string trimmed = WhiteSpace.TrimStart(text);
        int start = trimmed.Length > 0 && trimmed[0] is '+' or '-' ? 1 : 0;
        int end = start;
        while (end < trimmed.Length && end - start < 1000 && char.IsAsciiDigit(trimmed[end]))
        {
            end++;
        }

        return end == start ? null : BigInteger.Parse(trimmed.AsSpan(0, end), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture);
    }

    private static double ParsePrefix(string text)
    {
        ReadOnlySpan<char> unsigned = text.AsSpan().TrimStart("+-");
        return unsigned is "Infinity"
            ? text[0] == '-' ? double.NegativeInfinity : double.PositiveInfinity
            : double.Parse(text, NumberStyles.Float, CultureInfo.InvariantCulture);
    }

    /// <summary>Length of the longest float at the start; 0 if there is none.</summary>
    private static int FloatPrefix(string text)
    {
        int i = text.Length > 0 && text[0] is '+' or '-' ? 1 : 0;
        if (text.AsSpan(i).StartsWith("Infinity"))
        {
            return i + "Infinity".Length;
        }

        int digits = CountDigits(text, i);
        i += digits;
        if (i < text.Length && text[i] == '.')
        {
            int fraction = CountDigits(text, i + 1);
            digits += fraction;
            i += digits > 0 ? 1 + fraction : 0;
        }

        if (digits == 0)
        {
            return 0;
        }

        if (i < text.Length && text[i] is 'e' or 'E')
        {
            int sign = i + 1 < text.Length && text[i + 1] is '+' or '-' ? 1 : 0;
            int exponent = CountDigits(text, i + 1 + sign);
            i += exponent > 0 ? 1 + sign + exponent : 0;
        }

        return i;
    }

    private static int CountDigits(string text, int start)
    {
        int end = start;
        while (end < text.Length && char.IsAsciiDigit(text[end]))
        {
            end++;
        }

        return end - start;
    }
}
