namespace NativeSplit.Model;

/// <summary>Index of a token in a model's vocabulary.</summary>
/// <param name="Value">The index, from 0.</param>
public readonly record struct TokenId(int Value)
{
    /// <inheritdoc/>
    public override string ToString() => Value.ToString(System.Globalization.CultureInfo.InvariantCulture);
}
