namespace NativeSplit.Placement.Solving;

/// <summary>Lagrange multipliers: prices, in 1/<see cref="Relaxation.Scale"/> of 1e-5 of Φ, of what couples the segments of a plan.</summary>
/// <param name="nodes">Nodes.</param>
/// <param name="quantities">Times with an SLO.</param>
internal sealed class Multipliers(int nodes, int quantities)
{
    /// <summary>Per memory unit of each node.</summary>
    public long[] Memory { get; } = new long[nodes];

    /// <summary>Per 1e-6 of each node's utilisation.</summary>
    public long[] Load { get; } = new long[nodes];

    /// <summary>Per segment on each node.</summary>
    public long[] Visits { get; } = new long[nodes];

    /// <summary>Per µs of each quantity; at most the price of a µs past the SLO.</summary>
    public long[] Time { get; } = new long[quantities];

    /// <summary>Takes the values of others.</summary>
    public void CopyFrom(Multipliers other)
    {
        other.Memory.CopyTo(Memory, 0);
        other.Load.CopyTo(Load, 0);
        other.Visits.CopyTo(Visits, 0);
        other.Time.CopyTo(Time, 0);
    }
}
