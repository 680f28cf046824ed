namespace NativeSplit.Jinja.Builtins;

/// <summary>Methods of dicts.</summary>
internal static class DictMethods
{
    /// <summary>A method bound to its dict; undefined if there is none of that name.</summary>
    public static JinjaValue Find(DictValue dict, string name) => name switch
    {
        "get" => new FunctionValue(name, (site, _, arguments) => Get(site, dict, arguments)),
        "items" => new FunctionValue(name, (site, _, _) => Items(site, dict)),
        "keys" => new FunctionValue(name, (site, _, _) => Conversions.Keys(site, dict.Entries)),
        "values" => new FunctionValue(name, (site, _, _) => Values(site, dict)),
        "dictsort" => new FunctionValue(name, (site, _, arguments) => Sort(site, dict, arguments)),
        _ => UndefinedValue.Instance,
    };

    /// <summary>The value of a key, or the given default, or none.</summary>
    public static JinjaValue Get(CallSite site, DictValue dict, CallArguments arguments)
    {
        JinjaValue key = arguments.Require(site, 0, "key");
        site.Budget.Scan(site, key is StringValue scanned ? scanned.Text.Length : 0);
        return key is StringValue name && dict.Entries.TryGetValue(name.Text, out JinjaValue? value)
            ? value
            : arguments.Find(1, "default") ?? NoneValue.Instance;
    }

    /// <summary>A list of lists of key and value.</summary>
    public static ListValue Items(CallSite site, DictValue dict)
    {
        site.Budget.AllocateItems(site, 2L * dict.Entries.Count);
        return site.List([.. dict.Entries.Select(entry => new ListValue([new StringValue(entry.Key), entry.Value]))]);
    }

    public static ListValue Values(CallSite site, DictValue dict) => site.List([.. dict.Entries.Values]);

    /// <summary>The items in the order of their keys or values.</summary>
    public static ListValue Sort(CallSite site, DictValue dict, CallArguments arguments)
    {
        bool caseSensitive = arguments.Flag(site, 0, "case_sensitive");
        int by = arguments.Text(site, 1, "by", "key") switch
        {
            "key" => 0,
            "value" => 1,
            { } other => throw site.Fail($"dictsort sorts by 'key' or 'value', not by '{other}'"),
        };
        bool descending = arguments.Flag(site, 2, "reverse");
        ListValue items = Items(site, dict);
        return new ListValue(Comparisons.Sort(site, items.Items, item => ((ListValue)item).Items[by], caseSensitive, descending));
    }
}
