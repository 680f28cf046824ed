namespace NativeSplit.Jinja.Runtime;

/// <summary>Operators on numbers; a boolean counts as 0 or 1.</summary>
/// <remarks>
/// Two integers give an integer, except under <c>/</c>. Division by zero gives an infinity or NaN, and a remainder has the sign
/// of the dividend, both as in ECMAScript.
/// </remarks>
internal static class Arithmetic
{
    public static JinjaValue Apply(CallSite site, BinaryOperator operation, JinjaValue left, JinjaValue right)
    {
        if (operation == BinaryOperator.Power)
        {
            return Power(site, left, right);
        }

        bool isFloat = left is FloatValue || right is FloatValue || operation == BinaryOperator.Divide;
        return isFloat
            ? new FloatValue(OnFloats(operation, Comparisons.ToDouble(left), Comparisons.ToDouble(right)))
            : OnIntegers(site, operation, ToLong(left), ToLong(right));
    }

    private static double OnFloats(BinaryOperator operation, double a, double b) => operation switch
    {
        BinaryOperator.Add => a + b,
        BinaryOperator.Subtract => a - b,
        BinaryOperator.Multiply => a * b,
        BinaryOperator.Divide => a / b,
        BinaryOperator.FloorDivide => Math.Floor(a / b),
        _ => a % b,
    };

    private static JinjaValue OnIntegers(CallSite site, BinaryOperator operation, long a, long b)
    {
        if (operation is BinaryOperator.FloorDivide or BinaryOperator.Remainder && b is 0 or -1)
        {
            return b == 0 ? new FloatValue(OnFloats(operation, a, b)) : operation == BinaryOperator.Remainder ? new IntegerValue(0) : Checked(0, a);
        }

        return operation switch
        {
            BinaryOperator.FloorDivide => new IntegerValue((a / b) - (a % b != 0 && (a < 0) != (b < 0) ? 1 : 0)),
            BinaryOperator.Remainder => new IntegerValue(a % b),
            _ => Checked(a, b),
        };

        IntegerValue Checked(long x, long y)
        {
            try
            {
                return new IntegerValue(checked(operation switch
                {
                    BinaryOperator.Add => x + y,
                    BinaryOperator.Multiply => x * y,
                    _ => x - y,
                }));
            }
            catch (OverflowException)
            {
                throw site.Fail("An integer leaves its 64 bits");
            }
        }
    }

    private static JinjaValue Power(CallSite site, JinjaValue left, JinjaValue right)
    {
        double a = Comparisons.ToDouble(left);
        double b = Comparisons.ToDouble(right);
        double result = a == 0 && b < 0 ? double.NaN : Math.Pow(a, b);
        if (!double.IsFinite(result))
        {
            throw site.Fail("The power isn't a finite real number");
        }

        bool isInteger = left is not FloatValue && right is not FloatValue && b >= 0 && Math.Abs(result) < 1L << 53;
        return isInteger ? new IntegerValue((long)result) : new FloatValue(result);
    }

    private static long ToLong(JinjaValue value) => value is IntegerValue number ? number.Value : (long)Comparisons.ToDouble(value);
}
