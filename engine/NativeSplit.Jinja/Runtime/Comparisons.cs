namespace NativeSplit.Jinja.Runtime;

/// <summary>Equality and order of values.</summary>
internal static class Comparisons
{
    /// <summary>Same kind, same value; integers and floats are one kind. Lists and dicts equal only themselves.</summary>
    public static bool StrictlyEqual(CallSite site, JinjaValue left, JinjaValue right)
    {
        switch (left, right)
        {
            case (IntegerValue a, IntegerValue b):
                return a.Value == b.Value;
            case (IntegerValue or FloatValue, IntegerValue or FloatValue):
                return ToDouble(left) == ToDouble(right);
            case (StringValue a, StringValue b):
                site.Budget.Scan(site, a.Text.Length == b.Text.Length ? a.Text.Length : 0);
                return a.Text == b.Text;
            default:
                return ReferenceEquals(left, right);
        }
    }

    /// <summary>
    /// Equality of <c>==</c>, which is that of ECMAScript: none equals undefined, booleans and strings that spell numbers equal those
    /// numbers, and a list equals its items joined by commas.
    /// </summary>
    public static bool LooselyEqual(CallSite site, JinjaValue left, JinjaValue right)
    {
        if (left is NoneValue or UndefinedValue || right is NoneValue or UndefinedValue)
        {
            return left is NoneValue or UndefinedValue && right is NoneValue or UndefinedValue;
        }

        if (left is ListValue && IsScalar(right))
        {
            return LooselyEqual(site, new StringValue(Conversions.JoinText(site, left)), right);
        }

        if (right is ListValue && IsScalar(left))
        {
            return LooselyEqual(site, right, left);
        }

        bool bothScalar = IsScalar(left) && IsScalar(right);
        return bothScalar && left.GetType() != right.GetType()
            ? ToDouble(left) == ToDouble(right)
            : StrictlyEqual(site, left, right);
    }

    /// <summary>Order for <c>sort</c> and its like.</summary>
    /// <exception cref="JinjaException">The values have no order.</exception>
    public static int Compare(CallSite site, JinjaValue left, JinjaValue right, bool caseSensitive)
    {
        site.Budget.Work(site, 2);
        switch (left, right)
        {
            case (NoneValue, NoneValue) or (UndefinedValue, UndefinedValue):
                return 0;
            case (IntegerValue a, IntegerValue b):
                return a.Value.CompareTo(b.Value);
            case (IntegerValue or FloatValue or BooleanValue, IntegerValue or FloatValue or BooleanValue):
                (double x, double y) = (ToDouble(left), ToDouble(right));
                return x < y ? -1 : x > y ? 1 : 0;
            case (StringValue a, StringValue b):
                site.Budget.Scan(site, a.Text.Length + b.Text.Length);
                return Math.Sign(caseSensitive
                    ? string.CompareOrdinal(a.Text, b.Text)
                    : string.CompareOrdinal(TextCase.ToLower(a.Text), TextCase.ToLower(b.Text)));
            default:
                throw site.Fail($"{left.TypeName} and {right.TypeName} have no order");
        }
    }

    /// <summary>Sorts, keeping the order of equals.</summary>
    public static JinjaValue[] Sort(
        CallSite site, IReadOnlyList<JinjaValue> items, Func<JinjaValue, JinjaValue> key, bool caseSensitive, bool descending)
    {
        site.Budget.AllocateItems(site, 4L * items.Count);
        (JinjaValue Key, JinjaValue Item)[] sorted = [.. items.Select(item => (key(item), item))];
        (JinjaValue Key, JinjaValue Item)[] merged = new (JinjaValue, JinjaValue)[sorted.Length];
        for (int width = 1; width < sorted.Length; width *= 2)
        {
            for (int start = 0; start < sorted.Length; start += 2 * width)
            {
                Merge(start, Math.Min(start + width, sorted.Length), Math.Min(start + (2 * width), sorted.Length));
            }

            (sorted, merged) = (merged, sorted);
        }

        return [.. sorted.Select(pair => pair.Item)];

        void Merge(int left, int middle, int end)
        {
            int right = middle;
            for (int i = left, output = left; output < end; output++)
            {
                bool takeLeft = i < middle && (right >= end || Order(sorted[i].Key, sorted[right].Key) <= 0);
                merged[output] = takeLeft ? sorted[i++] : sorted[right++];
            }
        }

        int Order(JinjaValue a, JinjaValue b) => Compare(site, a, b, caseSensitive) * (descending ? -1 : 1);
    }

    public static bool IsNumeric(JinjaValue value) => value is IntegerValue or FloatValue or BooleanValue;

    public static double ToDouble(JinjaValue value) => value switch
    {
        IntegerValue number => number.Value,
        FloatValue number => number.Value,
        BooleanValue boolean => boolean.Value ? 1 : 0,
        StringValue text => NumberText.ParseWhole(text.Text),
        _ => double.NaN,
    };

    private static bool IsScalar(JinjaValue value) => value is StringValue || IsNumeric(value);
}
