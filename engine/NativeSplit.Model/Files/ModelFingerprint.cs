namespace NativeSplit.Model.Files;

/// <summary>SHA-256 that tells one model from another, as 64 lower-case hex digits.</summary>
/// <param name="Value">The digits.</param>
public readonly record struct ModelFingerprint(string Value)
{
    /// <inheritdoc/>
    public override string ToString() => Value;
}
