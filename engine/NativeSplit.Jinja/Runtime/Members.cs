namespace NativeSplit.Jinja.Runtime;

/// <summary>Members and slices of values.</summary>
internal static class Members
{
    /// <summary>A member; undefined if there is none.</summary>
    public static JinjaValue Get(CallSite site, JinjaValue target, JinjaValue key)
    {
        switch (target, key)
        {
            case (DictValue dict, StringValue name):
                site.Budget.Scan(site, name.Text.Length);
                return dict.Entries.TryGetValue(name.Text, out JinjaValue? value) ? value : DictMethods.Find(dict, name.Text);
            case (NamespaceValue names, StringValue name):
                return names.Entries.TryGetValue(name.Text, out JinjaValue? attribute) ? attribute : UndefinedValue.Instance;
            case (ListValue list, IntegerValue index):
                long item = index.Value < 0 ? index.Value + list.Items.Count : index.Value;
                return item >= 0 && item < list.Items.Count ? list.Items[(int)item] : UndefinedValue.Instance;
            case (StringValue text, IntegerValue index):
                long unit = index.Value < 0 ? index.Value + text.Text.Length : index.Value;
                return unit >= 0 && unit < text.Text.Length ? new StringValue(text.Text[(int)unit].ToString()) : UndefinedValue.Instance;
            case (ListValue list, StringValue name):
                return name.Text == "length" ? new IntegerValue(list.Items.Count) : UndefinedValue.Instance;
            case (StringValue text, StringValue name):
                return name.Text == "length" ? new IntegerValue(text.Text.Length) : StringMethods.Find(text.Text, name.Text);
            case (UndefinedValue, not StringValue):
                throw site.Fail($"What is undefined has no member with a key of type {key.TypeName}");
            default:
                return UndefinedValue.Instance;
        }
    }

    /// <summary>The member at a path of names and indices joined by dots; undefined if there is none.</summary>
    public static JinjaValue GetPath(CallSite site, JinjaValue target, string path)
    {
        site.Budget.Scan(site, path.Length);
        JinjaValue value = target;
        foreach (string part in path.Split('.'))
        {
            value = value switch
            {
                DictValue dict => dict.Entries.GetValueOrDefault(part, UndefinedValue.Instance),
                NamespaceValue names => names.Entries.GetValueOrDefault(part, UndefinedValue.Instance),
                ListValue list when NumberText.ParseInteger(part) is { } index && index >= 0 && index < list.Items.Count => list.Items[(int)index],
                _ => UndefinedValue.Instance,
            };
        }

        return value;
    }

    /// <summary>Items from <paramref name="start"/> to before <paramref name="stop"/>; bounds below zero count from the end, as in Python.</summary>
    public static JinjaValue Slice(CallSite site, JinjaValue target, long? start, long? stop, long? step)
    {
        IReadOnlyList<JinjaValue> items = target switch
        {
            ListValue list => list.Items,
            StringValue text => Conversions.Characters(site, text.Text),
            _ => throw site.Fail($"A {target.TypeName} can't be sliced"),
        };
        List<JinjaValue> taken = Take(items, start, stop, step ?? 1);
        site.Budget.AllocateItems(site, taken.Count);
        return target is StringValue
            ? site.Text(string.Concat(taken.Select(item => ((StringValue)item).Text)))
            : new ListValue(taken);
    }

    private static List<JinjaValue> Take(IReadOnlyList<JinjaValue> items, long? start, long? stop, long step)
    {
        int count = items.Count;
        List<JinjaValue> taken = [];
        if (step > 0)
        {
            long end = Bound(stop ?? count, 0, count);
            for (long i = Bound(start ?? 0, 0, count); i < end; i = step > count ? end : i + step)
            {
                taken.Add(items[(int)i]);
            }
        }
        else if (step < 0)
        {
            // Here -1 is "before the first item", given or not, as in the reference.
            long end = stop is null or -1 ? -1 : Bound(stop.Value, -1, count - 1);
            for (long i = Bound(start ?? count - 1, -1, count - 1); i > end; i = step < -count ? end : i + step)
            {
                taken.Add(items[(int)i]);
            }
        }

        return taken;

        long Bound(long value, long lowest, long highest) => value < 0 ? Math.Max(count + Math.Max(value, -count - 1L), lowest) : Math.Min(value, highest);
    }
}
