namespace NativeSplit.Placement.Problems;

/// <summary>Judges a problem before anyone computes with it. Its ranges keep every sum of the cost model inside 64 bits.</summary>
public static class ProblemRules
{
    /// <summary>Most layers.</summary>
    public const int MaxLayers = 256;

    /// <summary>Most nodes.</summary>
    public const int MaxNodes = 128;

    /// <summary>Most classes of requests.</summary>
    public const int MaxClasses = 16;

    /// <summary>Most bytes of anything: 1 PiB.</summary>
    public const long MaxBytes = 1L << 50;

    /// <summary>Longest time of anything: 1e12 ns or 1e12 µs.</summary>
    public const long MaxTime = 1_000_000_000_000;

    private const int MaxCount = 100_000_000;

    /// <summary>Refuses a problem that is empty, contradicts itself, or has an absurd figure.</summary>
    /// <exception cref="PlanException"><see cref="PlanFault.ProblemInvalid"/>: every broken rule, in words.</exception>
    public static void ThrowIfInvalid(PlacementProblem problem)
    {
        ArgumentNullException.ThrowIfNull(problem);
        List<string> faults = [];
        Range(faults, "the number of layers", problem.Layers.Count, 1, MaxLayers);
        Range(faults, "the number of nodes", problem.Nodes.Count, 1, MaxNodes);
        Range(faults, "the number of request classes", problem.Requests.Count, 1, MaxClasses);
        Range(faults, "the bytes of a row", problem.BorderBytesPerRow, 1, MaxBytes);
        Range(faults, "the KV reserve in tokens", problem.KvReserveTokens, 0, MaxCount);
        CheckLayers(problem, faults);
        CheckNodes(problem, faults);
        CheckLinks(problem, faults);
        CheckRequests(problem, faults);
        CheckWeights(problem, faults);
        if (faults.Count > 0)
        {
            throw new PlanException(PlanFault.ProblemInvalid, "The placement problem can't be solved as given. " + string.Join(' ', faults));
        }
    }

    private static void CheckLayers(PlacementProblem problem, List<string> faults)
    {
        long whole = 0;
        for (int u = 0; u < problem.Layers.Count; u++)
        {
            LayerFacts layer = problem.Layers[u];
            Range(faults, $"the weight bytes of layer {u}", layer.WeightBytes, 0, MaxBytes);
            Range(faults, $"the KV bytes per token of layer {u}", layer.KvBytesPerToken, 0, 1 << 30);
            Range(faults, $"the prefill work of layer {u}", layer.PrefillWork, 0, 1_000_000);
            Range(faults, $"the decode work of layer {u}", layer.DecodeWork, 0, 1_000_000);
            Range(faults, $"the sensitivity of layer {u}", layer.Sensitivity, 0, Sensitivity.Whole);
            whole += layer.Sensitivity;
        }

        if (whole != Sensitivity.Whole)
        {
            faults.Add($"The sensitivities sum to {whole}; they must sum to {Sensitivity.Whole}.");
        }

        Range(faults, "the bytes of embedding and head", problem.Ends.WeightBytes, 0, MaxBytes);
        Range(faults, "the prefill time of embedding and head", problem.Ends.PrefillMicroseconds, 0, MaxTime);
        Range(faults, "the decode time of embedding and head", problem.Ends.DecodeMicroseconds, 0, MaxTime);
    }

    private static void CheckNodes(PlacementProblem problem, List<string> faults)
    {
        HashSet<NodeId> seen = [];
        foreach (NodeFacts node in problem.Nodes)
        {
            if (!seen.Add(node.Id))
            {
                faults.Add($"Node {node.Id} is given twice.");
            }

            Range(faults, $"the free memory of {node.Id}", node.FreeMemoryBytes, 0, MaxBytes);
            Range(faults, $"the prefill time of {node.Id}", node.PrefillNanosecondsPerRow, 0, MaxTime);
            Range(faults, $"the decode time of {node.Id}", node.DecodeNanosecondsPerStep, 0, MaxTime);
            Range(faults, $"the base load of {node.Id}", node.BaseLoad, 0, 1_000_000);
        }

        int origin = problem.OriginIndex;
        if (origin < 0)
        {
            faults.Add($"The origin {problem.Origin} is none of the nodes.");
        }
        else if (!problem.Nodes[origin].IsTrusted)
        {
            faults.Add($"The origin {problem.Origin} isn't trusted, but it knows the tokens.");
        }
    }

    private static void CheckLinks(PlacementProblem problem, List<string> faults)
    {
        HashSet<NodeId> known = [.. problem.Nodes.Select(n => n.Id)];
        HashSet<(NodeId, NodeId)> seen = [];
        foreach (LinkFacts link in problem.Links)
        {
            if (!known.Contains(link.From) || !known.Contains(link.To) || link.From == link.To)
            {
                faults.Add($"The link {link.From} to {link.To} doesn't join two of the nodes.");
            }
            else if (!seen.Add((link.From, link.To)))
            {
                faults.Add($"The link {link.From} to {link.To} is given twice.");
            }

            Range(faults, $"the latency of the link {link.From} to {link.To}", link.LatencyMicroseconds, 0, MaxTime);
            Range(faults, $"the rate of the link {link.From} to {link.To}", link.BytesPerSecond, 1, MaxBytes);
        }
    }

    private static void CheckRequests(PlacementProblem problem, List<string> faults)
    {
        foreach (RequestClass request in problem.Requests)
        {
            Range(faults, $"the prompt tokens of '{request.Name}'", request.PromptTokens, 1, MaxCount);
            Range(faults, $"the output tokens of '{request.Name}'", request.OutputTokens, 1, MaxCount);
            Range(faults, $"the rate of '{request.Name}'", request.RequestsPerKilosecond, 1, MaxCount);
            Range(faults, $"the TTFT objective of '{request.Name}'", request.TtftSloMicroseconds, 1, MaxTime);
            Range(faults, $"the TPOT objective of '{request.Name}'", request.TpotSloMicroseconds, 1, MaxTime);
        }
    }

    private static void CheckWeights(PlacementProblem problem, List<string> faults)
    {
        PlacementWeights weights = problem.Weights;
        Range(faults, "the weight of latency", weights.Latency, 0, 100_000);
        Range(faults, "the weight of utilisation", weights.Utilization, 0, 100_000);
        Range(faults, "the weight of privacy", weights.Privacy, 0, 100_000);
        Range(faults, "the price of an SLO miss", weights.SloMiss, 0, 100_000);
        Range(faults, "the weight of migration", weights.Migration, 0, 100_000);
        if (problem.Migration is { } migration)
        {
            Range(faults, "the live KV tokens", migration.LiveKvTokens, 0, MaxCount);
            Range(faults, "the migration horizon in seconds", migration.HorizonSeconds, 1, MaxCount);
            int end = migration.Current.Segments.Count == 0 ? 0 : migration.Current.Segments[^1].Layers.End;
            if (end != problem.Layers.Count)
            {
                faults.Add($"The plan in force ends at layer {end}, the problem has {problem.Layers.Count} layers.");
            }
        }
    }

    private static void Range(List<string> faults, string what, long value, long low, long high)
    {
        if (value < low || value > high)
        {
            faults.Add($"{char.ToUpperInvariant(what[0])}{what[1..]} is {value}; it must be from {low} to {high}.");
        }
    }
}
