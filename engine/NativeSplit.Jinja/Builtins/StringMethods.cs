using System.Collections.Frozen;
using System.Text;

namespace NativeSplit.Jinja.Builtins;

/// <summary>Methods of strings.</summary>
internal static class StringMethods
{
    private delegate JinjaValue MethodBody(CallSite site, string text, CallArguments arguments);

    private static readonly FrozenDictionary<string, MethodBody> Known = new Dictionary<string, MethodBody>
    {
        ["upper"] = Simple(TextCase.ToUpper),
        ["lower"] = Simple(TextCase.ToLower),
        ["title"] = Simple(TextCase.ToTitle),
        ["capitalize"] = Simple(TextCase.Capitalize),

        // As in the reference, the characters to strip aren't looked at: white space is.
        ["strip"] = Simple(WhiteSpace.Trim),
        ["lstrip"] = Simple(WhiteSpace.TrimStart),
        ["rstrip"] = Simple(WhiteSpace.TrimEnd),
        ["startswith"] = (site, text, arguments) => HasAffix(site, arguments, affix => text.StartsWith(affix, StringComparison.Ordinal)),
        ["endswith"] = (site, text, arguments) => HasAffix(site, arguments, affix => text.EndsWith(affix, StringComparison.Ordinal)),
        ["split"] = Split,
        ["rsplit"] = SplitFromEnd,
        ["splitlines"] = SplitLines,
        ["replace"] = Replace,
        ["join"] = (site, text, arguments) =>
            SequenceFilters.Join(site, arguments.Require(site, 0, "iterable"), text),
        ["find"] = (site, text, arguments) =>
            new IntegerValue(Scan(site, text).IndexOf(Affix(site, arguments, "sub"), StringComparison.Ordinal)),
        ["count"] = (site, text, arguments) => new IntegerValue(Count(Scan(site, text), Affix(site, arguments, "sub"))),
        ["removeprefix"] = (site, text, arguments) =>
            text.StartsWith(Affix(site, arguments, "prefix"), StringComparison.Ordinal) ? site.Text(text[Affix(site, arguments, "prefix").Length..]) : new StringValue(text),
        ["removesuffix"] = (site, text, arguments) =>
            text.EndsWith(Affix(site, arguments, "suffix"), StringComparison.Ordinal) ? site.Text(text[..^Affix(site, arguments, "suffix").Length]) : new StringValue(text),
        ["isdigit"] = (site, text, _) => BooleanValue.Of(text.Length > 0 && Scan(site, text).All(char.IsAsciiDigit)),
    }.ToFrozenDictionary();

    /// <summary>A method bound to its string; undefined if there is none of that name.</summary>
    public static JinjaValue Find(string text, string name) =>
        Known.TryGetValue(name, out MethodBody? method)
            ? new FunctionValue(name, (site, _, arguments) => method(site, text, arguments))
            : UndefinedValue.Instance;

    /// <summary>Replaces occurrences, at most <c>count</c> of them; an empty string is found between all characters.</summary>
    public static StringValue Replace(CallSite site, string text, CallArguments arguments)
    {
        string old = arguments.Require(site, 0, "old") is StringValue given ? given.Text : throw site.Fail("'old' must be a string");
        string replacement = arguments.Require(site, 1, "new") is StringValue other ? other.Text : throw site.Fail("'new' must be a string");
        long count = arguments.Find(2, "count") is NoneValue ? -1 : arguments.Integer(site, 2, "count", -1);
        long left = count < 0 ? long.MaxValue : count;
        site.Budget.Scan(site, text.Length);
        StringBuilder result = new();
        int copied = 0;
        for (int at = Next(0); at >= 0 && left > 0; at = Next(Math.Max(copied, at + 1)), left--)
        {
            result.Append(text, copied, at - copied).Append(replacement);
            copied = at + old.Length;
            if (result.Length > site.Budget.Limits.MaxOutputLength)
            {
                site.Budget.Allocate(site, result.Length);
            }
        }

        return site.Text(result.Append(text, copied, text.Length - copied).ToString());

        int Next(int start)
        {
            if (old.Length > 0)
            {
                return start > text.Length ? -1 : text.IndexOf(old, start, StringComparison.Ordinal);
            }

            // Not inside a surrogate pair.
            start += start > 0 && start < text.Length && char.IsSurrogatePair(text[start - 1], text[start]) ? 1 : 0;
            return start > text.Length ? -1 : start;
        }
    }

    private static MethodBody Simple(Func<string, string> change) => (site, text, _) =>
    {
        site.Budget.Scan(site, text.Length);
        return site.Text(change(text));
    };

    private static string Scan(CallSite site, string text)
    {
        site.Budget.Scan(site, text.Length);
        return text;
    }

    private static string Affix(CallSite site, CallArguments arguments, string name) =>
        arguments.Require(site, 0, name) is StringValue affix ? affix.Text : throw site.Fail($"'{name}' must be a string");

    private static BooleanValue HasAffix(CallSite site, CallArguments arguments, Func<string, bool> test)
    {
        switch (arguments.Require(site, 0, "prefix"))
        {
            case StringValue affix:
                site.Budget.Scan(site, affix.Text.Length);
                return BooleanValue.Of(test(affix.Text));
            case ListValue list:
                foreach (JinjaValue item in list.Items)
                {
                    StringValue affix = item as StringValue ?? throw site.Fail("A beginning or end to look for must be a string");
                    site.Budget.Scan(site, 16 + affix.Text.Length);
                    if (test(affix.Text))
                    {
                        return BooleanValue.True;
                    }
                }

                return BooleanValue.False;
            case var other:
                throw site.Fail($"A beginning or end to look for must be a string or a list of strings, not {other.TypeName}");
        }
    }

    private static long Count(string text, string part)
    {
        if (part.Length == 0)
        {
            return text.Length + 1;
        }

        long count = 0;
        for (int at = text.IndexOf(part, StringComparison.Ordinal); at >= 0; at = text.IndexOf(part, at + part.Length, StringComparison.Ordinal))
        {
            count++;
        }

        return count;
    }

    private static ListValue Split(CallSite site, string text, CallArguments arguments)
    {
        long limit = arguments.Integer(site, 1, "maxsplit", -1);
        site.Budget.Allocate(site, text.Length);
        return arguments.Find(0, "sep") switch
        {
            null or NoneValue => Strings(site, SplitOnWhiteSpace(text, limit)),
            StringValue { Text: "" } => throw site.Fail("The separator of split is empty"),
            StringValue separator => Strings(site, SplitOn(text, separator.Text, limit)),
            { } other => throw site.Fail($"The separator of split must be a string, not {other.TypeName}"),
        };
    }

    private static List<string> SplitOn(string text, string separator, long limit)
    {
        string[] parts = text.Split(separator);
        if (limit == -1 || parts.Length <= limit)
        {
            return [.. parts];
        }

        int kept = (int)Math.Min(parts.Length, limit < 0 ? Math.Max(parts.Length + limit, 0) : limit);
        return [.. parts[..kept], string.Join(separator, parts[kept..])];
    }

    private static List<string> SplitOnWhiteSpace(string text, long limit)
    {
        List<string> parts = [];
        for (int i = 0; i < text.Length;)
        {
            if (WhiteSpace.Is(text[i]))
            {
                i++;
                continue;
            }

            if (limit != -1 && parts.Count >= limit)
            {
                parts.Add(text[i..]);
                break;
            }

            int start = i;
            while (i < text.Length && !WhiteSpace.Is(text[i]))
            {
                i++;
            }

            parts.Add(text[start..i]);
        }

        return parts;
    }

    private static ListValue SplitFromEnd(CallSite site, string text, CallArguments arguments)
    {
        long limit = arguments.Integer(site, 1, "maxsplit", -1);
        if (limit < 0 || arguments.Find(0, "sep") is not StringValue { Text.Length: > 0 } separator)
        {
            return limit < 0 ? Split(site, text, arguments) : throw site.Fail("rsplit with a bound needs a separator");
        }

        site.Budget.Allocate(site, text.Length);
        string[] parts = text.Split(separator.Text);
        int joined = (int)Math.Max(parts.Length - limit, 1);
        return Strings(site, [string.Join(separator.Text, parts[..joined]), .. parts[joined..]]);
    }

    private static ListValue SplitLines(CallSite site, string text, CallArguments arguments)
    {
        site.Budget.Allocate(site, text.Length);
        List<string> lines = [.. text.ReplaceLineEndings("\n").Split('\n')];
        if (lines[^1].Length == 0)
        {
            lines.RemoveAt(lines.Count - 1);
        }

        return Strings(site, lines);
    }

    private static ListValue Strings(CallSite site, IReadOnlyList<string> parts) => site.List([.. parts.Select(part => new StringValue(part))]);
}
