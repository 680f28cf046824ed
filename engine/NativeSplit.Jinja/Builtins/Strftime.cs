using System.Globalization;
using System.Text;

namespace NativeSplit.Jinja.Builtins;

/// <summary>Dates as text, in the part of C's <c>strftime</c> that the reference knows; anything else stays as it is written.</summary>
internal static class Strftime
{
    public static string Format(DateTimeOffset time, string format)
    {
        StringBuilder result = new();
        for (int i = 0; i < format.Length; i++)
        {
            string? part = format[i] == '%' && i + 1 < format.Length ? Part(time, format[i + 1]) : null;
            result.Append(part ?? format[i].ToString());
            i += part is null ? 0 : 1;
        }

        return result.ToString();
    }

    private static string? Part(DateTimeOffset time, char letter) => letter switch
    {
        'Y' => time.Year.ToString(CultureInfo.InvariantCulture),
        'm' => time.ToString("MM", CultureInfo.InvariantCulture),
        'd' => time.ToString("dd", CultureInfo.InvariantCulture),
        'b' => time.ToString("MMM", CultureInfo.InvariantCulture),
        'B' => time.ToString("MMMM", CultureInfo.InvariantCulture),
        'H' => time.ToString("HH", CultureInfo.InvariantCulture),
        'M' => time.Minute.ToString("00", CultureInfo.InvariantCulture),
        '%' => "%",
        _ => null,
    };
}
