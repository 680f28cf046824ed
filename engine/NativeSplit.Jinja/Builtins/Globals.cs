namespace NativeSplit.Jinja.Builtins;

/// <summary>Names that every template has.</summary>
internal static class Globals
{
    /// <summary>A fresh outermost scope.</summary>
    /// <param name="clock">Gives <c>strftime_now</c> its local time.</param>
    public static Scope CreateScope(TimeProvider clock)
    {
        Scope scope = new(null);
        foreach (string name in (ReadOnlySpan<string>)["true", "True"])
        {
            scope.Set(name, BooleanValue.True);
        }

        foreach (string name in (ReadOnlySpan<string>)["false", "False"])
        {
            scope.Set(name, BooleanValue.False);
        }

        foreach (string name in (ReadOnlySpan<string>)["none", "None"])
        {
            scope.Set(name, NoneValue.Instance);
        }

        scope.Set("range", new FunctionValue("range", (site, _, arguments) => Range(site, arguments)));
        scope.Set("namespace", new FunctionValue("namespace", (site, _, arguments) => new NamespaceValue(Entries(site, arguments, "namespace"))));
        scope.Set("dict", new FunctionValue("dict", (site, _, arguments) => new DictValue(Entries(site, arguments, "dict"))));
        scope.Set("raise_exception", new FunctionValue("raise_exception", (site, _, arguments) => throw Raise(site, arguments)));
        scope.Set("strftime_now", new FunctionValue("strftime_now", (site, _, arguments) =>
            site.Text(Strftime.Format(clock.GetLocalNow(), arguments.Require(site, 0, "format") is StringValue format
                ? format.Text
                : throw site.Fail("'format' must be a string")))));
        return scope;
    }

    private static JinjaException Raise(CallSite site, CallArguments arguments)
    {
        string message = arguments.Find(0, "message") is { } given ? Conversions.SoftText(site, given) : string.Empty;
        return site.Evaluator.Error(JinjaFault.Raised, site.Position, message);
    }

    private static ListValue Range(CallSite site, CallArguments arguments)
    {
        long first = arguments.Require(site, 0, "stop") is IntegerValue only ? only.Value : throw site.Fail("range needs integers");
        bool hasStop = arguments.Find(1, "stop") is not (null or UndefinedValue);
        long start = hasStop ? first : 0;
        long stop = hasStop ? arguments.Integer(site, 1, "stop", 0) : first;
        long step = arguments.Integer(site, 2, "step", 1);
        if (step == 0)
        {
            throw site.Fail("The step of range must not be zero");
        }

        Int128 span = step > 0 ? (Int128)stop - start : (Int128)start - stop;
        Int128 size = Int128.Abs(step);
        Int128 count = span <= 0 ? 0 : (span + size - 1) / size;
        if (count > site.Budget.Limits.MaxRangeLength)
        {
            throw site.Limit($"A range has {count} items; {site.Budget.Limits.MaxRangeLength} are allowed");
        }

        List<JinjaValue> items = new((int)count);
        for (int i = 0; i < (int)count; i++)
        {
            items.Add(new IntegerValue(start + (i * step)));
        }

        return site.List(items);
    }

    /// <summary>Entries from a dict or a list of pairs, and from named arguments.</summary>
    private static OrderedDictionary<string, JinjaValue> Entries(CallSite site, CallArguments arguments, string function)
    {
        OrderedDictionary<string, JinjaValue> entries = [];
        if (arguments.Positional.Count > 1)
        {
            throw site.Fail($"{function} takes one positional argument, not {arguments.Positional.Count}");
        }

        if (arguments.Positional is [var source])
        {
            AddAll(site, source, entries, function);
        }

        foreach ((string key, JinjaValue value) in arguments.Named ?? [])
        {
            entries[key] = value;
        }

        site.Budget.AllocateItems(site, 4L * entries.Count);
        return entries;
    }

    private static void AddAll(CallSite site, JinjaValue source, OrderedDictionary<string, JinjaValue> entries, string function)
    {
        switch (source)
        {
            case DictValue dict:
                foreach ((string key, JinjaValue value) in dict.Entries)
                {
                    entries[key] = value;
                }

                break;
            case ListValue list:
                foreach (JinjaValue pair in list.Items)
                {
                    entries[Conversions.Iterate(site, pair) is [StringValue key, var value]
                        ? key.Text
                        : throw site.Fail($"{function} needs pairs of a string and a value")] = value;
                }

                break;
            default:
                throw site.Fail($"{function} needs a dict or a list of pairs, not {source.TypeName}");
        }
    }
}
