using System.Globalization;
using System.Text;

namespace NativeSplit.Jinja.Runtime;

/// <summary>Values as text, and as sequences.</summary>
internal static class Conversions
{
    /// <summary>What <c>{{ }}</c> writes: none and undefined nothing, lists and dicts JSON.</summary>
    public static string Print(CallSite site, JinjaValue value) => value switch
    {
        UndefinedValue or NoneValue => string.Empty,
        StringValue text => text.Text,
        BooleanValue boolean => boolean.Value ? "true" : "false",
        IntegerValue number => number.Value.ToString(CultureInfo.InvariantCulture),
        FloatValue number => NumberText.Print(number.Value),
        FunctionValue function => throw site.Fail($"The function '{function.Name}' can't be printed; call it"),
        ListValue { IsTuple: true } tuple => PrintTuple(site, tuple),
        _ => JsonWriter.Write(site, value, JsonStyle.Print),
    };

    /// <summary>
    /// What a value is when it is joined to a string: as printed, but whole floats without a point, and the items of a list without
    /// brackets and blanks.
    /// </summary>
    public static string JoinText(CallSite site, JinjaValue value) => value switch
    {
        StringValue text => text.Text,
        FloatValue number => NumberText.Format(number.Value),
        IntegerValue or BooleanValue => Print(site, value),
        DictValue { Text: { } text } => text,
        ListValue list => JoinList(site, list),
        _ => throw site.Fail($"A {value.TypeName} can't be joined to a string; use tojson"),
    };

    /// <summary>What a filter for strings works on, given anything: as printed, but none as its name.</summary>
    public static string SoftText(CallSite site, JinjaValue value) => value switch
    {
        NoneValue => "None",
        _ => Print(site, value),
    };

    /// <summary>The items of a value: of a dict its keys, of a string its characters, of undefined none.</summary>
    public static IReadOnlyList<JinjaValue> Iterate(CallSite site, JinjaValue value) => value switch
    {
        ListValue list => list.Items,
        DictValue dict => Keys(site, dict.Entries).Items,
        StringValue text => Characters(site, text.Text),
        UndefinedValue => [],
        _ => throw site.Fail($"A {value.TypeName} can't be iterated over"),
    };

    public static ListValue Keys(CallSite site, OrderedDictionary<string, JinjaValue> entries) =>
        site.List([.. entries.Keys.Select(key => new StringValue(key))]);

    /// <summary>Code points, and unpaired surrogates as they are.</summary>
    public static IReadOnlyList<JinjaValue> Characters(CallSite site, string text)
    {
        site.Budget.AllocateItems(site, text.Length);
        List<JinjaValue> characters = new(text.Length);
        for (int i = 0; i < text.Length;)
        {
            int length = Rune.TryGetRuneAt(text, i, out Rune rune) ? rune.Utf16SequenceLength : 1;
            characters.Add(new StringValue(text.Substring(i, length)));
            i += length;
        }

        return characters;
    }

    private static string JoinList(CallSite site, ListValue list)
    {
        List<string> parts = [];
        foreach (JinjaValue item in list.Items)
        {
            parts.Add(item is NoneValue or UndefinedValue ? "undefined" : Print(site, item));
            site.Budget.Allocate(site, parts[^1].Length);
        }

        return string.Join(',', parts);
    }

    private static string PrintTuple(CallSite site, ListValue tuple)
    {
        string items = JsonWriter.Write(site, new ListValue(tuple.Items), JsonStyle.Print)[1..^1];
        return tuple.Items.Count == 1 ? $"({items},)" : $"({items})";
    }
}
