namespace NativeSplit.Jinja.Runtime;

/// <summary>Operators on values.</summary>
internal static class Operators
{
    public static JinjaValue Apply(CallSite site, UnaryOperator operation, JinjaValue operand)
    {
        if (operation == UnaryOperator.Not)
        {
            return BooleanValue.Of(!operand.IsTrue);
        }

        int sign = operation == UnaryOperator.Minus ? -1 : 1;
        return operand switch
        {
            FloatValue number => new FloatValue(sign * number.Value),
            BooleanValue boolean => new IntegerValue(boolean.Value ? sign : 0),
            IntegerValue number when number.Value != long.MinValue => new IntegerValue(sign * number.Value),
            _ => throw site.Fail($"A {operand.TypeName} takes no sign"),
        };
    }

    public static JinjaValue Apply(CallSite site, BinaryOperator operation, JinjaValue left, JinjaValue right) => operation switch
    {
        BinaryOperator.Equal => BooleanValue.Of(Comparisons.LooselyEqual(site, left, right)),
        BinaryOperator.NotEqual => BooleanValue.Of(!Comparisons.LooselyEqual(site, left, right)),
        BinaryOperator.In => BooleanValue.Of(Contains(site, right, left)),
        BinaryOperator.NotIn => BooleanValue.Of(!Contains(site, right, left)),
        BinaryOperator.Join => Concat(site, left is UndefinedValue ? StringValue.Empty : left, right is UndefinedValue ? StringValue.Empty : right),
        BinaryOperator.Less or BinaryOperator.LessOrEqual or BinaryOperator.Greater or BinaryOperator.GreaterOrEqual =>
            BooleanValue.Of(Order(site, operation, left, right)),
        _ when Comparisons.IsNumeric(left) && Comparisons.IsNumeric(right) => Arithmetic.Apply(site, operation, left, right),
        BinaryOperator.Add => Add(site, left, right),
        BinaryOperator.Multiply => Repeat(site, left, right),
        _ => throw Mismatch(site, operation, left, right),
    };

    /// <summary>Whether a list holds an item, a string a part, or a dict a key.</summary>
    private static bool Contains(CallSite site, JinjaValue container, JinjaValue item)
    {
        switch (container, item)
        {
            case (UndefinedValue, _):
                return false;
            case (ListValue list, _):
                site.Budget.Work(site, list.Items.Count);
                foreach (JinjaValue candidate in list.Items)
                {
                    if (Comparisons.StrictlyEqual(site, candidate, item))
                    {
                        return true;
                    }
                }

                return false;
            case (StringValue text, StringValue part):
                site.Budget.Scan(site, text.Text.Length);
                return text.Text.Contains(part.Text, StringComparison.Ordinal);
            case (DictValue dict, StringValue key):
                site.Budget.Scan(site, key.Text.Length);
                return dict.Entries.ContainsKey(key.Text);
            case (DictValue, not UndefinedValue):
                return false;
            default:
                throw site.Fail($"'in' doesn't work between {item.TypeName} and {container.TypeName}");
        }
    }

    private static bool Order(CallSite site, BinaryOperator operation, JinjaValue left, JinjaValue right)
    {
        if (Comparisons.IsNumeric(left) && Comparisons.IsNumeric(right))
        {
            (double a, double b) = (Comparisons.ToDouble(left), Comparisons.ToDouble(right));
            if (double.IsNaN(a) || double.IsNaN(b))
            {
                return false;
            }
        }
        else if (left is not StringValue || right is not StringValue)
        {
            throw Mismatch(site, operation, left, right);
        }

        int order = Comparisons.Compare(site, left, right, caseSensitive: true);
        return operation switch
        {
            BinaryOperator.Less => order < 0,
            BinaryOperator.LessOrEqual => order <= 0,
            BinaryOperator.Greater => order > 0,
            _ => order >= 0,
        };
    }

    private static JinjaValue Add(CallSite site, JinjaValue left, JinjaValue right)
    {
        if (left is ListValue a && right is ListValue b)
        {
            site.Budget.AllocateItems(site, (long)a.Items.Count + b.Items.Count);
            return new ListValue([.. a.Items, .. b.Items], a.IsTuple && b.IsTuple);
        }

        bool hasText = left is StringValue or DictValue { Text: not null } || right is StringValue or DictValue { Text: not null };
        return hasText && left is not (UndefinedValue or NoneValue) && right is not (UndefinedValue or NoneValue)
            ? Concat(site, left, right)
            : throw Mismatch(site, BinaryOperator.Add, left, right);
    }

    private static StringValue Concat(CallSite site, JinjaValue left, JinjaValue right)
    {
        string a = Conversions.JoinText(site, left);
        string b = Conversions.JoinText(site, right);
        site.Budget.Allocate(site, (long)a.Length + b.Length);
        return new StringValue(a + b);
    }

    private static JinjaValue Repeat(CallSite site, JinjaValue left, JinjaValue right)
    {
        if (left is IntegerValue)
        {
            (left, right) = (right, left);
        }

        if (right is not IntegerValue { Value: var times } || left is not (StringValue or ListValue))
        {
            throw Mismatch(site, BinaryOperator.Multiply, left, right);
        }

        times = Math.Clamp(times, 0, int.MaxValue);
        if (left is StringValue text)
        {
            site.Budget.Allocate(site, text.Text.Length * times);
            return new StringValue(new System.Text.StringBuilder().Insert(0, text.Text, text.Text.Length == 0 ? 0 : (int)times).ToString());
        }

        ListValue list = (ListValue)left;
        site.Budget.AllocateItems(site, list.Items.Count * times);
        List<JinjaValue> items = [];
        for (long i = 0; i < times && list.Items.Count > 0; i++)
        {
            items.AddRange(list.Items);
        }

        return new ListValue(items, list.IsTuple);
    }

    private static JinjaException Mismatch(CallSite site, BinaryOperator operation, JinjaValue left, JinjaValue right) =>
        site.Fail($"'{Symbol(operation)}' doesn't work between {left.TypeName} and {right.TypeName}");

    private static string Symbol(BinaryOperator operation) => operation switch
    {
        BinaryOperator.Less => "<",
        BinaryOperator.LessOrEqual => "<=",
        BinaryOperator.Greater => ">",
        BinaryOperator.GreaterOrEqual => ">=",
        BinaryOperator.Add => "+",
        BinaryOperator.Subtract => "-",
        BinaryOperator.Multiply => "*",
        BinaryOperator.Divide => "/",
        BinaryOperator.FloorDivide => "//",
        BinaryOperator.Remainder => "%",
        BinaryOperator.Power => "**",
        _ => "~",
    };
}
