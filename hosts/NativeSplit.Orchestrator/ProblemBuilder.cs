using NativeSplit.Cluster.Capacity;
using NativeSplit.Placement;
using NativeSplit.Placement.Problems;

namespace NativeSplit.Orchestrator;

/// <summary>Makes a placement problem of what is known. Pure.</summary>
/// <remarks>
/// Times and rates are rounded to two significant digits: what drifts less than that is no other problem. The base load of nodes is given
/// as zero, because the times that were measured hold it already.
/// </remarks>
public sealed class ProblemBuilder
{
    private readonly OrchestratorOptions _options;
    private readonly IReadOnlyList<LayerFacts> _layers;
    private readonly EndFacts _ends;

    /// <summary>Reads the facts of the model.</summary>
    public ProblemBuilder(OrchestratorOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        _options = options;
        _layers = ModelFacts.LayersOf(options.Model, options.Privacy);
        _ends = new EndFacts { WeightBytes = ModelFacts.EndBytesOf(options.Model), PrefillMicroseconds = 0, DecodeMicroseconds = 0 };
    }

    /// <summary>Makes the problem.</summary>
    /// <param name="book">What is known of nodes and links.</param>
    /// <param name="workers">Workers that are here; others take no layer.</param>
    /// <param name="current">The plan in force; null when there is none.</param>
    /// <param name="liveKvTokens">Tokens in the KV caches now.</param>
    /// <returns>The problem; it leaves out workers that nothing is known of yet, or that have no measured way to and from the gateway.</returns>
    public PlacementProblem Build(CapacityBook book, IReadOnlyList<WorkerStatus> workers, Plan? current, int liveKvTokens)
    {
        ArgumentNullException.ThrowIfNull(book);
        ArgumentNullException.ThrowIfNull(workers);
        Dictionary<NodeId, bool> joined = workers.ToDictionary(worker => worker.Node, worker => worker.IsTrusted);
        NodeId origin = _options.Origin;
        NodeFacts[] nodes = [.. book.Nodes
            .Where(node => node.Node == origin || (joined.ContainsKey(node.Node) && book.Joins(origin, node.Node)))
            .OrderBy(node => node.Node.Value, StringComparer.Ordinal)
            .Select(node => FactsOf(node, joined.GetValueOrDefault(node.Node)))];
        HashSet<NodeId> known = [.. nodes.Select(node => node.Id)];
        return new PlacementProblem
        {
            Layers = _layers,
            Ends = _ends,
            Nodes = nodes,
            Links = [.. book.Links
                .Where(link => known.Contains(link.From) && known.Contains(link.To))
                .OrderBy(link => link.From.Value, StringComparer.Ordinal).ThenBy(link => link.To.Value, StringComparer.Ordinal)
                .Select(FactsOf)],
            Requests = _options.Requests,
            Origin = origin,
            BorderBytesPerRow = _options.BorderBytesPerRow,
            KvReserveTokens = _options.KvReserveTokens,
            Weights = _options.Weights,
            Migration = current is null ? null : new MigrationFacts { Current = current, LiveKvTokens = liveKvTokens, HorizonSeconds = Math.Max(1, (int)_options.Horizon.TotalSeconds) },
        };
    }

    /// <summary>Rounds to two significant digits, half up.</summary>
    internal static long Round(double value)
    {
        if (value < 1)
        {
            return value > 0 ? 1 : 0;
        }

        double unit = Math.Pow(10, Math.Max(0, Math.Floor(Math.Log10(value)) - 1));
        return (long)(Math.Floor((value / unit) + 0.5) * unit);
    }

    private NodeFacts FactsOf(NodeEstimate node, bool isLabelled) => new()
    {
        Id = node.Node,
        IsTrusted = node.Node == _options.Origin || isLabelled || _options.Trusted.Contains(node.Node),
        FreeMemoryBytes = Round(node.MemoryBytes),
        PrefillNanosecondsPerRow = Math.Clamp(Round(node.Prefill.Mean), 1, ProblemRules.MaxTime),
        DecodeNanosecondsPerStep = Math.Clamp(Round(node.Decode.Mean), 1, ProblemRules.MaxTime),
    };

    private static LinkFacts FactsOf(LinkEstimate link) => new(
        link.From, link.To, Math.Clamp(Round(link.Latency.Mean), 0, ProblemRules.MaxTime), Math.Clamp(Round(link.Rate.Mean), 1, ProblemRules.MaxBytes));
}
