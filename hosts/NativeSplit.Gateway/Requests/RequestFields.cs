using System.Globalization;
using System.Text.Json;
using NativeSplit.Gateway.Http;

namespace NativeSplit.Gateway.Requests;

/// <summary>
/// The fields of one JSON object of a request, read by name. A field that is missing or null reads as null; one of the wrong type or
/// out of range ends the request with an error that names it. Lends from the request's document.
/// </summary>
internal readonly struct RequestFields
{
    /// <summary>Fields of one object at most. Each look-up walks them, so there is a bound.</summary>
    private const int MaxFields = 256;

    private readonly JsonElement _object;
    private readonly string _prefix;

    /// <param name="value">The object.</param>
    /// <param name="path">Where it is (<c>messages[0]</c>); empty for the body itself.</param>
    public RequestFields(JsonElement value, string path)
    {
        if (value.ValueKind != JsonValueKind.Object)
        {
            throw new ApiException(
                path.Length == 0
                    ? ApiErrors.BadJson($"expected an object, but got {KindOf(value)}.")
                    : ApiErrors.WrongType(path, "an object", KindOf(value)));
        }

        int count = value.GetPropertyCount();
        if (count > MaxFields)
        {
            string tooMany = string.Create(
                CultureInfo.InvariantCulture, $"the object has {count} fields; at most {MaxFields} are accepted.");
            throw new ApiException(path.Length == 0 ? ApiErrors.BadJson(tooMany) : ApiErrors.InvalidValue(path, tooMany));
        }

        _object = value;
        _prefix = path.Length == 0 ? "" : path + ".";
    }

    /// <summary>Full name of a field, as errors give it.</summary>
    public string PathOf(string name) => _prefix + name;

    /// <summary>The field, unless it is missing or null.</summary>
    public JsonElement? Value(string name) =>
        _object.TryGetProperty(name, out JsonElement value) && value.ValueKind != JsonValueKind.Null ? value : null;

    public string? Text(string name) => Value(name) is { } value ? TextOf(value, PathOf(name)) : null;

    public bool? Flag(string name) => Value(name) switch
    {
        null => null,
        { ValueKind: JsonValueKind.True } => true,
        { ValueKind: JsonValueKind.False } => false,
        { } other => throw new ApiException(ApiErrors.WrongType(PathOf(name), "a boolean", KindOf(other))),
    };

    public long? Integer(string name, long minimum, long maximum) =>
        Value(name) is { } value ? IntegerOf(value, PathOf(name), minimum, maximum) : null;

    public float? Decimal(string name, double minimum, double maximum) =>
        Value(name) is { } value ? (float)DecimalOf(value, PathOf(name), minimum, maximum) : null;

    /// <summary>The field as an array.</summary>
    public JsonElement? Array(string name) => Value(name) switch
    {
        null => null,
        { ValueKind: JsonValueKind.Array } array => array,
        { } other => throw new ApiException(ApiErrors.WrongType(PathOf(name), "an array", KindOf(other))),
    };

    public static string TextOf(JsonElement value, string path)
    {
        if (value.ValueKind != JsonValueKind.String)
        {
            throw new ApiException(ApiErrors.WrongType(path, "a string", KindOf(value)));
        }

        try
        {
            return value.GetString()!;
        }
        catch (InvalidOperationException)
        {
            // Half a surrogate pair or bytes that aren't UTF-8.
            throw new ApiException(ApiErrors.InvalidValue(path, "the string isn't valid Unicode."));
        }
    }

    public static string NameOf(JsonProperty field, string path)
    {
        try
        {
            return field.Name;
        }
        catch (InvalidOperationException)
        {
            throw new ApiException(ApiErrors.InvalidValue(path, "the name of a field isn't valid Unicode."));
        }
    }

    public static long IntegerOf(JsonElement value, string path, long minimum, long maximum)
    {
        if (value.ValueKind != JsonValueKind.Number)
        {
            throw new ApiException(ApiErrors.WrongType(path, "an integer", KindOf(value)));
        }

        if (!value.TryGetInt64(out long number))
        {
            bool whole = value.GetRawText().AsSpan().IndexOfAny(".eE") < 0;
            if (!whole)
            {
                throw new ApiException(ApiErrors.WrongType(path, "an integer", "a decimal number"));
            }

            number = value.GetRawText()[0] == '-' ? long.MinValue : long.MaxValue;
            if (number >= minimum && number <= maximum)
            {
                throw new ApiException(ApiErrors.InvalidValue(path, "the integer doesn't fit 64 bits."));
            }
        }

        return number < minimum || number > maximum
            ? throw new ApiException(ApiErrors.OutOfRange(
                path, "integer", number > maximum, Show(number > maximum ? maximum : minimum), Show(value)))
            : number;
    }

    public static double DecimalOf(JsonElement value, string path, double minimum, double maximum)
    {
        if (value.ValueKind != JsonValueKind.Number)
        {
            throw new ApiException(ApiErrors.WrongType(path, "a decimal", KindOf(value)));
        }

        // A number beyond the range of double reads as infinity, which no range holds.
        double number = value.GetDouble();
        return number >= minimum && number <= maximum
            ? number
            : throw new ApiException(ApiErrors.OutOfRange(
                path, "decimal", number > maximum, Show(number > maximum ? maximum : minimum), Show(value)));
    }

    public static string KindOf(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Object => "an object",
        JsonValueKind.Array => "an array",
        JsonValueKind.String => "a string",
        JsonValueKind.Number => "a number",
        JsonValueKind.True or JsonValueKind.False => "a boolean",
        _ => "null",
    };

    private static string Show(IFormattable number) => number.ToString(null, CultureInfo.InvariantCulture);

    // A number can be written in a megabyte of digits.
    private static string Show(JsonElement number)
    {
        string text = number.GetRawText();
        return text.Length <= 32 ? text : text[..32] + "…";
    }
}
