using System.Text;

namespace NativeSplit.Jinja.Builtins;

/// <summary>Filters for strings.</summary>
internal static class TextFilters
{
    public static IReadOnlyDictionary<string, Filters.FilterBody> All { get; } = new Dictionary<string, Filters.FilterBody>
    {
        ["upper"] = Simple(TextCase.ToUpper),
        ["lower"] = Simple(TextCase.ToLower),
        ["title"] = Simple(TextCase.ToTitle),
        ["capitalize"] = Simple(TextCase.Capitalize),
        ["trim"] = Simple(WhiteSpace.Trim),
        ["escape"] = Simple(Escape),
        ["e"] = Simple(Escape),
        ["forceescape"] = Simple(Escape),
        ["indent"] = Indent,
        ["replace"] = Replace,
    };

    private static Filters.FilterBody Simple(Func<string, string> change) => (site, operand, _) =>
    {
        string text = Conversions.SoftText(site, operand);
        site.Budget.Scan(site, text.Length);
        return site.Text(change(text));
    };

    private static string Escape(string text) => text
        .Replace("&", "&amp;", StringComparison.Ordinal)
        .Replace(">", "&gt;", StringComparison.Ordinal)
        .Replace("<", "&lt;", StringComparison.Ordinal)
        .Replace("'", "&#39;", StringComparison.Ordinal)
        .Replace("\"", "&#34;", StringComparison.Ordinal);

    /// <remarks>The first line and empty lines stay as they are, unless <c>first</c> and <c>blank</c> are given.</remarks>
    private static StringValue Indent(CallSite site, JinjaValue operand, CallArguments arguments)
    {
        string text = Conversions.SoftText(site, operand);
        string indent = arguments.Find(0, "width") is StringValue given ? given.Text : Spaces(site, arguments.Integer(site, 0, "width", 4));
        bool first = arguments.Find(1, "first")?.IsTrue ?? false;
        bool blank = arguments.Find(2, "blank")?.IsTrue ?? false;
        string[] lines = text.Split('\n');
        site.Budget.Allocate(site, text.Length + ((long)indent.Length * lines.Length));
        StringBuilder result = new();
        for (int i = 0; i < lines.Length; i++)
        {
            bool isIndented = (first || i > 0) && (blank || lines[i].Length > 0);
            result.Append(i > 0 ? "\n" : string.Empty).Append(isIndented ? indent : string.Empty).Append(lines[i]);
        }

        return new StringValue(result.ToString());
    }

    private static string Spaces(CallSite site, long width)
    {
        if (width < 0)
        {
            throw site.Fail("'width' must not be below zero");
        }

        site.Budget.Allocate(site, width);
        return new string(' ', (int)width);
    }

    private static StringValue Replace(CallSite site, JinjaValue operand, CallArguments arguments) =>
        StringMethods.Replace(site, Conversions.SoftText(site, operand), arguments);
}
