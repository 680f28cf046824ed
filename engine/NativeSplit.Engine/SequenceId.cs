namespace NativeSplit.Engine;

/// <summary>One stream of tokens with its KV cache. Unique for the life of a gateway.</summary>
/// <param name="Value">The number.</param>
public readonly record struct SequenceId(ulong Value)
{
    /// <inheritdoc/>
    public override string ToString() => Value.ToString(System.Globalization.CultureInfo.InvariantCulture);
}
