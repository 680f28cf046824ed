using System.Text.Json;
using System.Text.Unicode;

namespace NativeSplit.Model.Tokenization;

/// <summary>An element of a JSON file that knows where it is, so that errors can say so.</summary>
/// <param name="source">The file.</param>
/// <param name="path">Place in the file, <c>model.vocab</c>.</param>
/// <param name="element">The element.</param>
internal readonly struct JsonNodeReader(string source, string path, JsonElement element)
{
    /// <summary>Greatest size of a file that is read.</summary>
    private const long LargestFile = 256L << 20;

    /// <summary>The file.</summary>
    public string Source => source;

    /// <summary>The element itself.</summary>
    public JsonElement Element => element;

    /// <summary>True for a JSON object.</summary>
    public bool IsObject => element.ValueKind == JsonValueKind.Object;

    /// <summary>Reads a whole file.</summary>
    /// <exception cref="ModelException">It can't be read, is absurdly large, or isn't a JSON object.</exception>
    public static JsonNodeReader Open(string file)
    {
        try
        {
            if (new FileInfo(file).Length > LargestFile)
            {
                throw new ModelException(ModelFault.Corrupt, $"{file} is larger than {LargestFile >> 20} MiB: it isn't a tokenizer.");
            }

            byte[] content = File.ReadAllBytes(file);
            if (!Utf8.IsValid(content))
            {
                throw new ModelException(ModelFault.Corrupt, $"{file} isn't valid UTF-8. Download it again.");
            }

            using var document = JsonDocument.Parse(content);
            var root = new JsonNodeReader(file, string.Empty, document.RootElement.Clone());
            return root.IsObject ? root : throw root.Corrupt("isn't a JSON object");
        }
        catch (JsonException error)
        {
            throw new ModelException(ModelFault.Corrupt, $"{file} isn't valid JSON: {error.Message} Download it again.", error);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new ModelException(ModelFault.NotFound, $"{file} can't be read: {error.Message}", error);
        }
    }

    /// <summary>Gives a member, or null when it is absent or JSON null.</summary>
    public JsonNodeReader? Member(string name)
    {
        if (element.ValueKind != JsonValueKind.Object)
        {
            throw Corrupt("isn't an object");
        }

        return element.TryGetProperty(name, out JsonElement value) && value.ValueKind != JsonValueKind.Null
            ? new JsonNodeReader(source, Join(name), value)
            : null;
    }

    /// <summary>Gives a member that must be there.</summary>
    public JsonNodeReader Required(string name) => Member(name) ?? throw Corrupt($"has no '{name}'");

    /// <summary>Gives the items of an array.</summary>
    public IEnumerable<JsonNodeReader> Items()
    {
        if (element.ValueKind != JsonValueKind.Array)
        {
            throw Corrupt("isn't an array");
        }

        string file = source;
        string place = path;
        return element.EnumerateArray().Select((item, index) => new JsonNodeReader(file, $"{place}[{index}]", item));
    }

    /// <summary>Reads a string.</summary>
    public string AsString() => element.ValueKind == JsonValueKind.String ? element.GetString()! : throw Corrupt("isn't a string");

    /// <summary>Reads a whole number of 32 bits.</summary>
    public int AsInteger() =>
        element.ValueKind == JsonValueKind.Number && element.TryGetInt32(out int value) ? value : throw Corrupt("isn't a whole number of 32 bits");

    /// <summary>Reads a boolean.</summary>
    public bool AsBoolean() => element.ValueKind switch
    {
        JsonValueKind.True => true,
        JsonValueKind.False => false,
        _ => throw Corrupt("isn't true or false"),
    };

    /// <summary>Reads a boolean member.</summary>
    public bool Flag(string name, bool absent = false) => Member(name)?.AsBoolean() ?? absent;

    /// <summary>Reads the member <c>type</c>.</summary>
    public string Kind() => Required("type").AsString();

    /// <summary>An error about this element.</summary>
    public ModelException Corrupt(string problem) => new(ModelFault.Corrupt, $"{source}: {Place} {problem}. Download or export the tokenizer again.");

    /// <summary>An error about something this element asks for.</summary>
    public ModelException Unsupported(string what, string supported) =>
        new(ModelFault.Unsupported, $"{source}: {Place} asks for {what}, which isn't supported. Supported: {supported}.");

    private string Place => path.Length == 0 ? "the file" : path;

    private string Join(string name) => path.Length == 0 ? name : $"{path}.{name}";
}
