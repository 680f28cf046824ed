using System.Collections;
using System.Runtime.CompilerServices;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace NativeSplit.Jinja.Values;

/// <summary>Turns what a caller gives into values of a template.</summary>
internal static class ValueConverter
{
    /// <summary>Converts a value.</summary>
    /// <exception cref="ArgumentException">The type has no counterpart, or values are nested too deeply.</exception>
    public static JinjaValue Convert(object? value, int maxDepth) => Convert(value, maxDepth, 0);

    private static JinjaValue Convert(object? value, int maxDepth, int depth)
    {
        if (depth > maxDepth || !RuntimeHelpers.TryEnsureSufficientExecutionStack())
        {
            throw new ArgumentException($"The values are nested deeper than {maxDepth} levels.");
        }

        return value switch
        {
            null => NoneValue.Instance,
            JinjaValue ready => ready,
            bool boolean => BooleanValue.Of(boolean),
            string text => new StringValue(text),
            int number => new IntegerValue(number),
            long number => new IntegerValue(number),
            double number => OfDouble(number),
            float number => OfDouble(number),
            JinjaJsonText json => new DictValue(ConvertObject(json.Value, maxDepth, depth), json.Text),
            JsonObject json => new DictValue(ConvertObject(json, maxDepth, depth)),
            JsonArray json => new ListValue([.. json.Select(item => Convert(item, maxDepth, depth + 1))]),
            JsonValue json => OfJsonValue(json),
            JsonElement json => Convert(ToNode(json), maxDepth, depth),
            IEnumerable<KeyValuePair<string, object?>> entries => new DictValue(ConvertEntries(entries, maxDepth, depth)),
            IEnumerable items => new ListValue([.. items.Cast<object?>().Select(item => Convert(item, maxDepth, depth + 1))]),
            _ => throw new ArgumentException($"A value of type {value.GetType().Name} has no counterpart in a template; give JSON, a dictionary, a list, a string, a number or a boolean."),
        };
    }

    private static OrderedDictionary<string, JinjaValue> ConvertEntries(
        IEnumerable<KeyValuePair<string, object?>> entries, int maxDepth, int depth)
    {
        OrderedDictionary<string, JinjaValue> result = [];
        foreach ((string key, object? value) in entries)
        {
            result[key] = Convert(value, maxDepth, depth + 1);
        }

        return result;
    }

    private static OrderedDictionary<string, JinjaValue> ConvertObject(JsonObject json, int maxDepth, int depth)
    {
        OrderedDictionary<string, JinjaValue> result = new(json.Count);
        foreach ((string key, JsonNode? value) in json)
        {
            result[key] = Convert(value, maxDepth, depth + 1);
        }

        return result;
    }

    private static JsonNode? ToNode(JsonElement json) => json.ValueKind switch
    {
        JsonValueKind.Object => JsonObject.Create(json),
        JsonValueKind.Array => JsonArray.Create(json),
        JsonValueKind.Null => null,
        _ => JsonValue.Create(json),
    };

    private static JinjaValue OfJsonValue(JsonValue json)
    {
        switch (json.GetValueKind())
        {
            case JsonValueKind.True: return BooleanValue.True;
            case JsonValueKind.False: return BooleanValue.False;
            case JsonValueKind.Null: return NoneValue.Instance;
            case JsonValueKind.String: return new StringValue(json.TryGetValue(out string? text) ? text : json.ToString());
            case JsonValueKind.Number:
                return json.TryGetValue(out long integer) ? new IntegerValue(integer)
                    : json.TryGetValue(out int small) ? new IntegerValue(small)
                    : json.TryGetValue(out double number) ? OfDouble(number)
                    : OfDouble(double.Parse(json.ToJsonString(), System.Globalization.CultureInfo.InvariantCulture));
            default: throw new ArgumentException($"A JSON value that holds a {json.GetType().Name} has no counterpart in a template.");
        }
    }

    /// <summary>JSON has one kind of number: a whole one is an integer however it was written.</summary>
    private static JinjaValue OfDouble(double number) =>
        Math.Floor(number) == number && Math.Abs(number) < 9.2e18 ? new IntegerValue((long)number) : new FloatValue(number);
}
