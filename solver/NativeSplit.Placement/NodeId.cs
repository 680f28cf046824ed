namespace NativeSplit.Placement;

/// <summary>Name of a node in a cluster: 1 to 63 of a–z, 0–9 and '-', as a DNS label.</summary>
public readonly record struct NodeId
{
    /// <summary>Checks and takes a name.</summary>
    /// <exception cref="ArgumentException">It isn't a DNS label.</exception>
    public NodeId(string value)
    {
        if (!IsValid(value))
        {
            throw new ArgumentException($"'{value}' is no node name: use 1 to 63 of a-z, 0-9 and '-', not first or last '-'.", nameof(value));
        }

        Value = value;
    }

    /// <summary>The name.</summary>
    public string Value { get; }

    /// <summary>True when the text can name a node.</summary>
    public static bool IsValid(string? value)
    {
        if (value is null || value.Length is 0 or > 63 || value[0] == '-' || value[^1] == '-')
        {
            return false;
        }

        foreach (char c in value)
        {
            if (c is not ((>= 'a' and <= 'z') or (>= '0' and <= '9') or '-'))
            {
                return false;
            }
        }

        return true;
    }

    /// <inheritdoc/>
    public override string ToString() => Value;
}
