namespace NativeSplit.Placement;

/// <summary>Number of a plan; strictly rising in a cluster.</summary>
/// <param name="Value">The number, from 1.</param>
public readonly record struct PlanEpoch(ulong Value) : IComparable<PlanEpoch>
{
    /// <inheritdoc/>
    public int CompareTo(PlanEpoch other) => Value.CompareTo(other.Value);

    /// <summary>Earlier.</summary>
    public static bool operator <(PlanEpoch left, PlanEpoch right) => left.Value < right.Value;

    /// <summary>Later.</summary>
    public static bool operator >(PlanEpoch left, PlanEpoch right) => left.Value > right.Value;

    /// <summary>Not later.</summary>
    public static bool operator <=(PlanEpoch left, PlanEpoch right) => left.Value <= right.Value;

    /// <summary>Not earlier.</summary>
    public static bool operator >=(PlanEpoch left, PlanEpoch right) => left.Value >= right.Value;

    /// <inheritdoc/>
    public override string ToString() => Value.ToString(System.Globalization.CultureInfo.InvariantCulture);
}
