using System.Globalization;
using System.Text;
using RuntimeHelpers = System.Runtime.CompilerServices.RuntimeHelpers;

namespace NativeSplit.Jinja.Values;

/// <summary>How <c>tojson</c> writes.</summary>
internal sealed record JsonStyle
{
    /// <summary>As Python's <c>json.dumps</c>: <c>", "</c> and <c>": "</c>, on one line.</summary>
    public static JsonStyle Default { get; } = new();

    /// <summary>How lists and dicts print outside <c>tojson</c>: the same, but undefined members say so.</summary>
    public static JsonStyle Print { get; } = new() { Undefined = "undefined" };

    /// <summary>Spaces for each level; 0 for one line.</summary>
    public int Indent { get; init; }

    /// <summary>Whether characters from U+007F on are written as <c>\u</c> escapes.</summary>
    public bool EnsureAscii { get; init; }

    /// <summary>Whether keys are sorted.</summary>
    public bool SortKeys { get; init; }

    /// <summary>Between items; null for <c>", "</c> on one line and <c>","</c> with an indent.</summary>
    public string? ItemSeparator { get; init; }

    /// <summary>Between a key and its value.</summary>
    public string KeySeparator { get; init; } = ": ";

    /// <summary>What an undefined value is written as.</summary>
    public string Undefined { get; init; } = "null";
}

/// <summary>Values as JSON text.</summary>
internal static class JsonWriter
{
    /// <summary>Writes a value.</summary>
    /// <exception cref="JinjaException">The value holds a function, or a limit is reached.</exception>
    public static string Write(CallSite site, JinjaValue value, JsonStyle style)
    {
        StringBuilder output = new();
        Write(site, value, style, output, 0);
        site.Budget.Allocate(site, output.Length);
        return output.ToString();
    }

    private static void Write(CallSite site, JinjaValue value, JsonStyle style, StringBuilder output, int depth)
    {
        if (depth > site.Budget.Limits.MaxValueDepth || !RuntimeHelpers.TryEnsureSufficientExecutionStack())
        {
            throw site.Limit($"A value is nested deeper than {site.Budget.Limits.MaxValueDepth} levels");
        }

        site.Budget.Work(site, 1);
        if (output.Length > site.Budget.Limits.MaxOutputLength)
        {
            throw site.Limit($"JSON text is longer than {site.Budget.Limits.MaxOutputLength} characters");
        }

        switch (value)
        {
            case UndefinedValue: output.Append(style.Undefined); break;
            case NoneValue: output.Append("null"); break;
            case BooleanValue boolean: output.Append(boolean.Value ? "true" : "false"); break;
            case IntegerValue integer: output.Append(CultureInfo.InvariantCulture, $"{integer.Value}"); break;
            case FloatValue number: output.Append(double.IsFinite(number.Value) ? NumberText.Format(number.Value) : "null"); break;
            case StringValue text: WriteString(text.Text, style, output); break;
            case ListValue list: WriteList(site, list, style, output, depth); break;
            case DictValue dict: WriteEntries(site, dict.Entries, style, output, depth); break;
            case NamespaceValue names: WriteEntries(site, names.Entries, style, output, depth); break;
            default: throw site.Fail($"A {value.TypeName} can't be written as JSON");
        }
    }

    private static void WriteList(CallSite site, ListValue list, JsonStyle style, StringBuilder output, int depth)
    {
        output.Append('[');
        for (int i = 0; i < list.Items.Count; i++)
        {
            StartItem(i, style, output, depth + 1);
            Write(site, list.Items[i], style, output, depth + 1);
        }

        End(list.Items.Count, style, output, depth);
        output.Append(']');
    }

    private static void WriteEntries(
        CallSite site, OrderedDictionary<string, JinjaValue> entries, JsonStyle style, StringBuilder output, int depth)
    {
        IEnumerable<KeyValuePair<string, JinjaValue>> ordered =
            style.SortKeys ? entries.OrderBy(entry => entry.Key, KeyOrder.Instance) : entries;
        output.Append('{');
        int index = 0;
        foreach ((string key, JinjaValue value) in ordered)
        {
            StartItem(index++, style, output, depth + 1);
            WriteString(key, style, output);
            output.Append(style.KeySeparator);
            Write(site, value, style, output, depth + 1);
        }

        End(index, style, output, depth);
        output.Append('}');
    }

    private static void StartItem(int index, JsonStyle style, StringBuilder output, int depth)
    {
        if (index > 0)
        {
            output.Append(style.ItemSeparator ?? (style.Indent > 0 ? "," : ", "));
        }

        BreakLine(style, output, depth);
    }

    private static void End(int count, JsonStyle style, StringBuilder output, int depth)
    {
        if (count > 0)
        {
            BreakLine(style, output, depth);
        }
    }

    private static void BreakLine(JsonStyle style, StringBuilder output, int depth)
    {
        if (style.Indent > 0)
        {
            output.Append('\n').Append(' ', style.Indent * depth);
        }
    }

    /// <summary>A string literal; unpaired surrogates are escaped (ECMA-262, QuoteJSONString).</summary>
    private static void WriteString(string text, JsonStyle style, StringBuilder output)
    {
        output.Append('"');
        for (int i = 0; i < text.Length; i++)
        {
            char c = text[i];
            switch (c)
            {
                case '"': output.Append("\\\""); break;
                case '\\': output.Append("\\\\"); break;
                case '\b': output.Append("\\b"); break;
                case '\f': output.Append("\\f"); break;
                case '\n': output.Append("\\n"); break;
                case '\r': output.Append("\\r"); break;
                case '\t': output.Append("\\t"); break;
                case < ' ': WriteEscape(c, output); break;
                case >= '\u007F' when style.EnsureAscii: WriteEscape(c, output); break;
                case >= '\uD800' and <= '\uDFFF' when char.IsHighSurrogate(c) && i + 1 < text.Length && char.IsLowSurrogate(text[i + 1]):
                    output.Append(c).Append(text[++i]);
                    break;
                case >= '\uD800' and <= '\uDFFF': WriteEscape(c, output); break;
                default: output.Append(c); break;
            }
        }

        output.Append('"');
    }

    private static void WriteEscape(char c, StringBuilder output) => output.Append(CultureInfo.InvariantCulture, $"\\u{(int)c:x4}");

    /// <summary>
    /// The order of <c>sort_keys</c>: that of a dictionary (Unicode root collation) over ASCII, by code unit beyond it.
    /// Marks before digits before letters; case counts only between keys that are otherwise equal, small letters first.
    /// </summary>
    private sealed class KeyOrder : IComparer<string>
    {
        public static readonly KeyOrder Instance = new();

        private const string Marks = "_-,;:!?.'\"()[]{}@*/\\&#%`^+<=>|~$";

        public int Compare(string? x, string? y)
        {
            int tie = 0;
            int shared = Math.Min(x!.Length, y!.Length);
            for (int i = 0; i < shared; i++)
            {
                int order = Weight(x[i]).CompareTo(Weight(y[i]));
                if (order != 0)
                {
                    return order;
                }

                tie = tie != 0 ? tie : char.IsAsciiLetterUpper(x[i]).CompareTo(char.IsAsciiLetterUpper(y[i]));
            }

            int length = x.Length.CompareTo(y.Length);
            return length != 0 ? length : tie;
        }

        private static int Weight(char c)
        {
            int mark = Marks.IndexOf(c, StringComparison.Ordinal);
            return mark >= 0 ? mark + ' ' + 1 : c > '\u007F' ? c + 0x100 : c > ' ' ? char.ToLowerInvariant(c) + Marks.Length + ' ' : c;
        }
    }
}
