namespace NativeSplit.Jinja.Builtins;

/// <summary>Filters for lists and dicts as a whole.</summary>
internal static class SequenceFilters
{
    public static IReadOnlyDictionary<string, Filters.FilterBody> All { get; } = new Dictionary<string, Filters.FilterBody>
    {
        ["length"] = Length,
        ["count"] = Length,
        ["list"] = (site, operand, _) => operand as ListValue ?? new ListValue(Conversions.Iterate(site, operand)),
        ["first"] = (site, operand, _) => Conversions.Iterate(site, operand) is [var first, ..] ? first : UndefinedValue.Instance,
        ["last"] = (site, operand, _) => Conversions.Iterate(site, operand) is [.., var last] ? last : UndefinedValue.Instance,
        ["reverse"] = Reverse,
        ["join"] = (site, operand, arguments) => Join(site, Attribute(site, operand, arguments, 1), Separator(site, arguments)),
        ["sort"] = Sort,
        ["unique"] = Unique,
        ["sum"] = Sum,
        ["min"] = (site, operand, arguments) => Extreme(site, operand, arguments, -1),
        ["max"] = (site, operand, arguments) => Extreme(site, operand, arguments, 1),
        ["batch"] = Batch,
        ["items"] = (site, operand, _) => operand is UndefinedValue ? ListValue.Empty : DictMethods.Items(site, Dict(site, operand)),
        ["keys"] = (site, operand, _) => Conversions.Keys(site, Dict(site, operand).Entries),
        ["values"] = (site, operand, _) => DictMethods.Values(site, Dict(site, operand)),
        ["get"] = (site, operand, arguments) => DictMethods.Get(site, Dict(site, operand), arguments),
        ["dictsort"] = (site, operand, arguments) => DictMethods.Sort(site, Dict(site, operand), arguments),
    };

    /// <summary>Joins items as text; none and undefined are nothing.</summary>
    public static StringValue Join(CallSite site, JinjaValue operand, string separator)
    {
        IReadOnlyList<JinjaValue> items = Conversions.Iterate(site, operand);
        List<string> parts = new(items.Count);
        long length = 0;
        foreach (JinjaValue item in items)
        {
            parts.Add(item is NoneValue or UndefinedValue ? string.Empty : Conversions.JoinText(site, item));
            length += parts[^1].Length + separator.Length;
        }

        site.Budget.Allocate(site, length);
        return new StringValue(string.Join(separator, parts));
    }

    private static DictValue Dict(CallSite site, JinjaValue operand) => operand as DictValue ?? throw site.Fail($"A {operand.TypeName} is no dict");

    private static string Separator(CallSite site, CallArguments arguments) =>
        arguments.Text(site, 0, arguments.Named?.ContainsKey("d") == true ? "d" : "separator", string.Empty);

    /// <summary>The items' attribute, if the arguments name one; otherwise the items.</summary>
    private static JinjaValue Attribute(CallSite site, JinjaValue operand, CallArguments arguments, int index) =>
        arguments.Find(index, "attribute") is { } attribute and not NoneValue
            ? site.List([.. Conversions.Iterate(site, operand).Select(item => Members.GetPath(site, item, Conversions.SoftText(site, attribute)))])
            : operand;

    private static IntegerValue Length(CallSite site, JinjaValue operand, CallArguments arguments) => operand switch
    {
        StringValue text => new IntegerValue(text.Text.Length),
        DictValue dict => new IntegerValue(dict.Entries.Count),
        _ => new IntegerValue(Conversions.Iterate(site, operand).Count),
    };

    private static JinjaValue Reverse(CallSite site, JinjaValue operand, CallArguments arguments)
    {
        ListValue reversed = site.List([.. Conversions.Iterate(site, operand).Reverse()]);
        return operand is StringValue ? Join(site, reversed, string.Empty) : reversed;
    }

    private static ListValue Sort(CallSite site, JinjaValue operand, CallArguments arguments)
    {
        bool descending = arguments.Flag(site, 0, "reverse");
        bool caseSensitive = arguments.Flag(site, 1, "case_sensitive");
        string? path = arguments.Find(2, "attribute") is { } attribute and not NoneValue ? Conversions.SoftText(site, attribute) : null;
        return new ListValue(Comparisons.Sort(
            site,
            Conversions.Iterate(site, operand),
            item => path is null ? item : Members.GetPath(site, item, path),
            caseSensitive,
            descending));
    }

    /// <remarks>As in the reference, case counts. Lists and dicts are like only to themselves.</remarks>
    private static ListValue Unique(CallSite site, JinjaValue operand, CallArguments arguments)
    {
        HashSet<object> seen = [];
        List<JinjaValue> unique = [];
        foreach (JinjaValue item in Conversions.Iterate(site, operand))
        {
            JinjaValue key = arguments.Find(1, "attribute") is { } attribute ? Members.GetPath(site, item, Conversions.SoftText(site, attribute)) : item;
            site.Budget.Work(site, 1);
            object identity = key switch
            {
                StringValue text => text.Text,
                IntegerValue or FloatValue => Comparisons.ToDouble(key),
                _ => key,
            };
            site.Budget.Scan(site, identity is string scanned ? scanned.Length : 0);
            if (seen.Add(identity))
            {
                unique.Add(item);
            }
        }

        return site.List(unique);
    }

    private static JinjaValue Sum(CallSite site, JinjaValue operand, CallArguments arguments)
    {
        JinjaValue total = arguments.Find(1, "start") ?? new IntegerValue(0);
        foreach (JinjaValue item in Conversions.Iterate(site, Attribute(site, operand, arguments, 0)))
        {
            total = Operators.Apply(site, BinaryOperator.Add, total, item);
        }

        return total;
    }

    private static JinjaValue Extreme(CallSite site, JinjaValue operand, CallArguments arguments, int sign)
    {
        bool caseSensitive = arguments.Flag(site, 0, "case_sensitive");
        IReadOnlyList<JinjaValue> items = Conversions.Iterate(site, operand);
        IReadOnlyList<JinjaValue> keys = Conversions.Iterate(site, Attribute(site, operand, arguments, 1));
        int best = 0;
        for (int i = 1; i < keys.Count; i++)
        {
            best = Comparisons.Compare(site, keys[i], keys[best], caseSensitive) * sign > 0 ? i : best;
        }

        return items.Count == 0 ? UndefinedValue.Instance : items[best];
    }

    private static ListValue Batch(CallSite site, JinjaValue operand, CallArguments arguments)
    {
        long size = arguments.Integer(site, 0, "linecount", 0);
        if (size is < 1 or > int.MaxValue)
        {
            throw site.Fail("'linecount' must be at least 1");
        }

        IReadOnlyList<JinjaValue> items = Conversions.Iterate(site, operand);
        List<JinjaValue> batches = [];
        for (int start = 0; start < items.Count; start += (int)Math.Min(size, items.Count))
        {
            List<JinjaValue> batch = [.. items.Skip(start).Take((int)size)];
            if (arguments.Find(1, "fill_with") is { } filler and not NoneValue)
            {
                site.Budget.AllocateItems(site, size);
                batch.AddRange(Enumerable.Repeat(filler, (int)size - batch.Count));
            }

            batches.Add(site.List(batch));
        }

        return site.List(batches);
    }
}
