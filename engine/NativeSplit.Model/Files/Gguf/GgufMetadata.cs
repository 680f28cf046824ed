namespace NativeSplit.Model.Files.Gguf;

/// <summary>The keys and values of a GGUF file.</summary>
internal sealed class GgufMetadata : IModelMetadata
{
    private readonly Dictionary<string, GgufValue> _values;

    /// <summary>Takes over a dictionary.</summary>
    public GgufMetadata(string source, Dictionary<string, GgufValue> values)
    {
        Source = source;
        _values = values;
    }

    /// <inheritdoc/>
    public string Source { get; }

    /// <summary>Every key.</summary>
    public IReadOnlyCollection<string> Keys => _values.Keys;

    /// <summary>A value of any type.</summary>
    public bool TryGet(string key, out GgufValue value) => _values.TryGetValue(key, out value);

    /// <inheritdoc/>
    public bool TryGetString(string key, out string value)
    {
        value = string.Empty;
        return Find(key, out var found) && Accept(found.Content as string, key, found, "a string", out value!);
    }

    /// <inheritdoc/>
    public bool TryGetInteger(string key, out long value)
    {
        value = 0;
        if (!Find(key, out var found))
        {
            return false;
        }

        value = found.Content is long number ? number : throw Mismatch(key, found, "an integer of up to 63 bits");
        return true;
    }

    /// <inheritdoc/>
    public bool TryGetNumber(string key, out double value)
    {
        value = 0;
        if (!Find(key, out var found))
        {
            return false;
        }

        value = found.Content is double number ? number : throw Mismatch(key, found, "a floating-point number");
        return true;
    }

    /// <inheritdoc/>
    public bool TryGetBoolean(string key, out bool value)
    {
        value = false;
        if (!Find(key, out var found))
        {
            return false;
        }

        value = found.Content is bool flag ? flag : throw Mismatch(key, found, "a boolean");
        return true;
    }

    /// <inheritdoc/>
    public bool TryGetStrings(string key, out IReadOnlyList<string> values)
    {
        values = [];
        return Find(key, out var found) && Accept(found.Content as string[], key, found, "an array of strings", out values!);
    }

    /// <inheritdoc/>
    public bool TryGetNumbers(string key, out IReadOnlyList<float> values)
    {
        values = [];
        if (!Find(key, out var found))
        {
            return false;
        }

        float[]? numbers = found.Content switch
        {
            float[] singles => singles,
            double[] doubles => Array.ConvertAll(doubles, number => (float)number),
            _ => null,
        };
        return Accept(numbers, key, found, "an array of floating-point numbers", out values!);
    }

    /// <inheritdoc/>
    public bool TryGetIntegers(string key, out IReadOnlyList<int> values)
    {
        values = [];
        if (!Find(key, out var found))
        {
            return false;
        }

        int[]? numbers = found.Content switch
        {
            int[] small => small,
            long[] wide => Array.ConvertAll(wide, number => Narrow(number, key, found)),
            ulong[] wide => Array.ConvertAll(wide, number => Narrow(number > int.MaxValue ? long.MaxValue : (long)number, key, found)),
            _ => null,
        };
        return Accept(numbers, key, found, "an array of integers", out values!);
    }

    private bool Find(string key, out GgufValue value) => _values.TryGetValue(key, out value);

    private bool Accept<T>(T? content, string key, GgufValue found, string wanted, out T value) where T : class
    {
        value = content ?? throw Mismatch(key, found, wanted);
        return true;
    }

    private int Narrow(long number, string key, GgufValue found) =>
        number is >= int.MinValue and <= int.MaxValue ? (int)number : throw Mismatch(key, found, "an array of integers of up to 32 bits");

    private ModelException Mismatch(string key, GgufValue found, string wanted) => new(
        ModelFault.Corrupt, $"{Source}: key '{key}' is {found.TypeName}, expected {wanted}. Convert the model again with a current tool.");
}
