namespace NativeSplit.Jinja.Builtins;

/// <summary>Filters that choose or change the items of a list one by one.</summary>
internal static class SelectionFilters
{
    public static IReadOnlyDictionary<string, Filters.FilterBody> All { get; } = new Dictionary<string, Filters.FilterBody>
    {
        ["select"] = (site, operand, arguments) => Select(site, operand, arguments, keep: true),
        ["reject"] = (site, operand, arguments) => Select(site, operand, arguments, keep: false),
        ["selectattr"] = (site, operand, arguments) => SelectByAttribute(site, operand, arguments, keep: true),
        ["rejectattr"] = (site, operand, arguments) => SelectByAttribute(site, operand, arguments, keep: false),
        ["map"] = Map,
    };

    /// <summary>An item costs about as much as this many steps of the template.</summary>
    private const int WorkPerItem = 8;

    private static ListValue Select(CallSite site, JinjaValue operand, CallArguments arguments, bool keep)
    {
        List<JinjaValue> selected = [];
        foreach (JinjaValue item in Conversions.Iterate(site, operand))
        {
            site.Budget.Work(site, WorkPerItem);
            if (Passes(site, item, arguments) == keep)
            {
                selected.Add(item);
            }
        }

        return site.List(selected);
    }

    /// <remarks>As in the reference, an item without the attribute passes no test, not even <c>undefined</c>.</remarks>
    private static ListValue SelectByAttribute(CallSite site, JinjaValue operand, CallArguments arguments, bool keep)
    {
        string name = arguments.Require(site, 0, "attribute") is StringValue text ? text.Text : throw site.Fail("The attribute must be a string");
        CallArguments test = arguments.Skip(1);
        List<JinjaValue> selected = [];
        foreach (JinjaValue item in Conversions.Iterate(site, operand))
        {
            site.Budget.Work(site, WorkPerItem);
            OrderedDictionary<string, JinjaValue> entries = item switch
            {
                DictValue dict => dict.Entries,
                NamespaceValue names => names.Entries,
                _ => throw site.Fail($"A {item.TypeName} has no attributes"),
            };
            if ((entries.TryGetValue(name, out JinjaValue? value) && Passes(site, value, test)) == keep)
            {
                selected.Add(item);
            }
        }

        return site.List(selected);
    }

    /// <summary>Whether a value passes the test that the arguments name; without one, whether it is true.</summary>
    private static bool Passes(CallSite site, JinjaValue value, CallArguments arguments) => arguments.Find(0, "test") switch
    {
        null => value.IsTrue,
        StringValue name => Tests.Apply(site, name.Text, value, arguments.Skip(1)),
        { } other => throw site.Fail($"The name of a test must be a string, not {other.TypeName}"),
    };

    private static ListValue Map(CallSite site, JinjaValue operand, CallArguments arguments)
    {
        IReadOnlyList<JinjaValue> items = Conversions.Iterate(site, operand);
        List<JinjaValue> mapped = new(items.Count);
        foreach (JinjaValue item in items)
        {
            site.Budget.Work(site, WorkPerItem);
            mapped.Add(MapItem(site, item, arguments));
        }

        return site.List(mapped);
    }

    private static JinjaValue MapItem(CallSite site, JinjaValue item, CallArguments arguments)
    {
        if (arguments.Find(-1, "attribute") is { } attribute)
        {
            if (item is not (DictValue or NamespaceValue or ListValue))
            {
                throw site.Fail($"A {item.TypeName} has no attributes");
            }

            JinjaValue value = Members.GetPath(site, item, Conversions.SoftText(site, attribute));
            return value is UndefinedValue ? arguments.Find(-1, "default") ?? value : value;
        }

        return arguments.Require(site, 0, "filter") is StringValue filter
            ? Filters.Apply(site, filter.Text, item, arguments.Skip(1) with { HasParentheses = arguments.Positional.Count > 1 })
            : throw site.Fail("The name of a filter must be a string");
    }
}
