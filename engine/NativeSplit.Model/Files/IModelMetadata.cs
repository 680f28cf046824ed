namespace NativeSplit.Model.Files;

/// <summary>Typed look-up in the metadata of a GGUF file. A key that is there with another type is a <see cref="ModelException"/>, not "absent".</summary>
public interface IModelMetadata
{
    /// <summary>Where the metadata comes from, for messages.</summary>
    string Source { get; }

    /// <summary>A string.</summary>
    bool TryGetString(string key, out string value);

    /// <summary>A whole number of any integer type.</summary>
    bool TryGetInteger(string key, out long value);

    /// <summary>A number of any floating type.</summary>
    bool TryGetNumber(string key, out double value);

    /// <summary>A boolean.</summary>
    bool TryGetBoolean(string key, out bool value);

    /// <summary>An array of strings.</summary>
    bool TryGetStrings(string key, out IReadOnlyList<string> values);

    /// <summary>An array of numbers of any floating type.</summary>
    bool TryGetNumbers(string key, out IReadOnlyList<float> values);

    /// <summary>An array of any integer type.</summary>
    bool TryGetIntegers(string key, out IReadOnlyList<int> values);
}
