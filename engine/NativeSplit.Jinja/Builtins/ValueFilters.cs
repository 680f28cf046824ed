using System.Globalization;
using System.Numerics;

namespace NativeSplit.Jinja.Builtins;

/// <summary>Filters for any value, and for numbers.</summary>
internal static class ValueFilters
{
    public static IReadOnlyDictionary<string, Filters.FilterBody> All { get; } = new Dictionary<string, Filters.FilterBody>
    {
        ["default"] = Default,
        ["d"] = Default,
        ["safe"] = (_, operand, _) => operand,
        ["string"] = ToText,
        ["bool"] = (_, operand, _) => BooleanValue.Of(operand.IsTrue),
        ["int"] = ToInteger,
        ["float"] = ToFloat,
        ["abs"] = Abs,
        ["round"] = Round,
        ["tojson"] = ToJson,
    };

    private static JinjaValue Default(CallSite site, JinjaValue operand, CallArguments arguments)
    {
        bool replaceFalse = arguments.Find(1, "boolean")?.IsTrue ?? false;
        return operand is UndefinedValue || (replaceFalse && !operand.IsTrue)
            ? arguments.Find(0, "default_value") ?? StringValue.Empty
            : operand;
    }

    private static JinjaValue ToText(CallSite site, JinjaValue operand, CallArguments arguments) => operand switch
    {
        StringValue => operand,
        NoneValue => new StringValue("None"),
        _ => site.Text(Conversions.Print(site, operand)),
    };

    /// <remarks>As in the reference, <c>int</c> rounds a float down, but <c>int()</c> leaves it as it is.</remarks>
    private static JinjaValue ToInteger(CallSite site, JinjaValue operand, CallArguments arguments)
    {
        switch (operand)
        {
            case IntegerValue:
                return operand;
            case FloatValue number:
                return arguments.HasParentheses ? number : OfBig(site, double.IsFinite(number.Value) ? new BigInteger(Math.Floor(number.Value)) : null, number.Value);
            case BooleanValue boolean:
                return new IntegerValue(boolean.Value ? 1 : 0);
            case StringValue text when NumberText.ParseInteger(text.Text) is { } integer:
                return OfBig(site, integer, double.NaN);
            case StringValue or NoneValue or ListValue or DictValue:
                return arguments.Find(0, "default") ?? new IntegerValue(0);
            default:
                throw site.Fail($"A {operand.TypeName} can't become an integer");
        }
    }

    private static IntegerValue OfBig(CallSite site, BigInteger? integer, double original) =>
        integer is { } value && value >= long.MinValue && value <= long.MaxValue
            ? new IntegerValue((long)value)
            : throw site.Fail($"{integer?.ToString(CultureInfo.InvariantCulture) ?? NumberText.Format(original)} is no integer of 64 bits");

    private static JinjaValue ToFloat(CallSite site, JinjaValue operand, CallArguments arguments)
    {
        switch (operand)
        {
            case FloatValue:
                return operand;
            case IntegerValue number:
                return arguments.HasParentheses ? number : new FloatValue(number.Value);
            case BooleanValue boolean:
                return new FloatValue(boolean.Value ? 1 : 0);
            case StringValue text when NumberText.ParseFloat(text.Text) is { } number:
                return new FloatValue(number);
            case StringValue or NoneValue or ListValue or DictValue:
                return arguments.Find(0, "default") ?? new FloatValue(0);
            default:
                throw site.Fail($"A {operand.TypeName} can't become a float");
        }
    }

    private static JinjaValue Abs(CallSite site, JinjaValue operand, CallArguments arguments) => operand switch
    {
        IntegerValue { Value: not long.MinValue } number => new IntegerValue(Math.Abs(number.Value)),
        FloatValue number => new FloatValue(Math.Abs(number.Value)),
        _ => throw site.Fail($"A {operand.TypeName} has no absolute value"),
    };

    /// <remarks>As in Jinja2, a float stays a float; <c>common</c> rounds halves to even.</remarks>
    private static JinjaValue Round(CallSite site, JinjaValue operand, CallArguments arguments)
    {
        if (operand is not (IntegerValue or FloatValue))
        {
            throw site.Fail($"A {operand.TypeName} can't be rounded");
        }

        double number = Comparisons.ToDouble(operand);
        int digits = (int)Math.Clamp(arguments.Integer(site, 0, "precision", 0), 0, 15);
        double scale = Math.Pow(10, digits);
        return arguments.Text(site, 1, "method", "common") switch
        {
            "common" when operand is IntegerValue => operand,
            "common" => new FloatValue(digits == 0
                ? Math.Round(number, MidpointRounding.ToEven)
                : double.Parse(number.ToString("F" + digits, CultureInfo.InvariantCulture), CultureInfo.InvariantCulture)),
            "ceil" => new FloatValue(Math.Ceiling(number * scale) / scale),
            "floor" => new FloatValue(Math.Floor(number * scale) / scale),
            { } method => throw site.Fail($"'{method}' is no way to round; use common, ceil or floor"),
        };
    }

    /// <remarks>The arguments have names only; positional ones are ignored, as in the reference.</remarks>
    private static StringValue ToJson(CallSite site, JinjaValue operand, CallArguments arguments)
    {
        JsonStyle style = JsonStyle.Default with
        {
            Indent = (int)Math.Clamp(arguments.Find(-1, "indent") is NoneValue ? 0 : arguments.Integer(site, -1, "indent", 0), 0, 64),
            EnsureAscii = arguments.Flag(site, -1, "ensure_ascii"),
            SortKeys = arguments.Flag(site, -1, "sort_keys"),
        };
        style = arguments.Find(-1, "separators") switch
        {
            null or NoneValue => style,
            ListValue { Items: [StringValue item, StringValue key] } => style with { ItemSeparator = item.Text, KeySeparator = key.Text },
            _ => throw site.Fail("'separators' must be two strings"),
        };
        return new StringValue(JsonWriter.Write(site, operand, style));
    }
}
