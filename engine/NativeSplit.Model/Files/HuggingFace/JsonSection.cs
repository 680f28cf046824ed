using System.Text.Json;

namespace NativeSplit.Model.Files.HuggingFace;

/// <summary>Typed look-up in an object of a JSON file. Null counts as absent; another type is an error that names file and key.</summary>
/// <param name="source">File name for messages.</param>
/// <param name="element">The object.</param>
internal sealed class JsonSection(string source, JsonElement element)
{
    /// <summary>Bytes of a JSON file at most, the vocabulary apart.</summary>
    public const int MaximumFileBytes = 64 << 20;

    /// <summary>File name for messages.</summary>
    public string Source => source;

    /// <summary>Reads a file.</summary>
    /// <returns>Null when there is no such file.</returns>
    /// <exception cref="ModelException">It is too long, or isn't a JSON object without repeated keys.</exception>
    public static JsonSection? ReadFile(string path) => File.Exists(path) ? Parse(ReadBytes(path), path) : null;

    /// <summary>Reads a file's bytes, up to <see cref="MaximumFileBytes"/>.</summary>
    /// <exception cref="ModelException">It is longer.</exception>
    public static byte[] ReadBytes(string path)
    {
        long length = new FileInfo(path).Length;
        return length <= MaximumFileBytes
            ? File.ReadAllBytes(path)
            : throw new ModelException(ModelFault.Corrupt, $"{path} has {length} bytes; a configuration has {MaximumFileBytes} at most. Download it again.");
    }

    /// <summary>Parses a JSON object.</summary>
    /// <param name="utf8">The text.</param>
    /// <param name="source">File name for messages.</param>
    /// <exception cref="ModelException">It isn't a JSON object of Unicode text, or a key is repeated.</exception>
    public static JsonSection Parse(ReadOnlyMemory<byte> utf8, string source)
    {
        try
        {
            ReadOnlyMemory<byte> text = utf8.Span.StartsWith("\uFEFF"u8) ? utf8[3..] : utf8;
            using var document = JsonDocument.Parse(text, new JsonDocumentOptions { AllowDuplicateProperties = false });
            RequireUnicode(document.RootElement);
            return document.RootElement.ValueKind == JsonValueKind.Object
                ? new JsonSection(source, document.RootElement.Clone())
                : throw new ModelException(ModelFault.Corrupt, $"{source}: expected a JSON object. Download the file again.");
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException)
        {
            throw new ModelException(
                ModelFault.Corrupt, $"{source} isn't valid JSON: {exception.Message} Download the file again (a Git LFS pointer or an error page may stand in its place).", exception);
        }
    }

    /// <summary>Every key with its value, in file order.</summary>
    public IEnumerable<JsonProperty> Properties => element.EnumerateObject();

    /// <summary>Finds a value that isn't null.</summary>
    public bool TryGet(string key, out JsonElement value) =>
        element.TryGetProperty(key, out value) && value.ValueKind != JsonValueKind.Null;

    /// <summary>An integer of up to 63 bits, or null when absent.</summary>
    public long? Integer(string key) => !TryGet(key, out var value) ? null
        : value.ValueKind == JsonValueKind.Number && value.TryGetInt64(out long number) ? number
        : throw Mismatch(key, "an integer");

    /// <summary>A finite number, or null when absent.</summary>
    public double? Number(string key) => !TryGet(key, out var value) ? null
        : value.ValueKind == JsonValueKind.Number && value.TryGetDouble(out double number) && double.IsFinite(number) ? number
        : throw Mismatch(key, "a finite number");

    /// <summary>A boolean, or null when absent.</summary>
    public bool? Boolean(string key) => !TryGet(key, out var value) ? null
        : value.ValueKind is JsonValueKind.True or JsonValueKind.False ? value.GetBoolean()
        : throw Mismatch(key, "true or false");

    /// <summary>A string, or null when absent.</summary>
    public string? String(string key) => !TryGet(key, out var value) ? null
        : value.ValueKind == JsonValueKind.String ? value.GetString()
        : throw Mismatch(key, "a string");

    /// <summary>An object, or null when absent.</summary>
    public JsonSection? Section(string key) => !TryGet(key, out var value) ? null
        : value.ValueKind == JsonValueKind.Object ? new JsonSection(source, value)
        : throw Mismatch(key, "an object");

    /// <summary>Makes the error for a value of the wrong kind.</summary>
    public ModelException Mismatch(string key, string wanted) => new(
        ModelFault.Corrupt, $"{source}: '{key}' isn't {wanted}. Correct it, or download the file again.");

    // The parser takes text that isn't Unicode, and fails with InvalidOperationException only when it is asked for.
    private static void RequireUnicode(JsonElement value)
    {
        switch (value.ValueKind)
        {
            case JsonValueKind.Object:
                foreach (var property in value.EnumerateObject())
                {
                    ArgumentNullException.ThrowIfNull(property.Name);
                    RequireUnicode(property.Value);
                }

                break;
            case JsonValueKind.Array:
                foreach (var item in value.EnumerateArray())
                {
                    RequireUnicode(item);
                }

                break;
            case JsonValueKind.String:
                ArgumentNullException.ThrowIfNull(value.GetString());
                break;
        }
    }
}
