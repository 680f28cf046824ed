namespace NativeSplit.PlacementBench;

/// <summary>A kind of cluster that is measured: instances are <c>EdgeClusters.Make(Layers, Nodes, seed, RoomPercent)</c> for seeds from 0.</summary>
/// <param name="Layers">Layers.</param>
/// <param name="Nodes">Nodes.</param>
/// <param name="RoomPercent">Memory of all nodes against what the model needs.</param>
/// <param name="AcceptedGap">Gap at which the search stops, in 1e-6.</param>
/// <param name="LimitMilliseconds">Most time per decision.</param>
/// <param name="Seeds">Instances of a full run.</param>
internal sealed record BenchRow(int Layers, int Nodes, int RoomPercent, int AcceptedGap, int LimitMilliseconds, int Seeds)
{
    /// <summary>The rows of the published table.</summary>
    public static IReadOnlyList<BenchRow> Published { get; } =
    [
        new(24, 3, 200, 0, 1000, 100),
        new(32, 4, 130, 0, 1000, 100),
        new(32, 4, 200, 0, 1000, 100),
        new(32, 8, 130, 0, 1000, 100),
        new(32, 8, 200, 0, 1000, 100),
        new(80, 16, 130, 10_000, 1000, 40),
        new(80, 16, 200, 10_000, 1000, 40),
        new(126, 64, 800, 10_000, 1000, 20),
        new(126, 64, 150, 50_000, 2000, 10),
    ];

    /// <summary>As in tables.</summary>
    public string Name => $"{Layers}x{Nodes}, {RoomPercent} % memory";
}
