using System.Globalization;
using System.Text.Json.Nodes;
using NativeSplit.Placement;
using NativeSplit.Placement.Certifying;
using NativeSplit.Placement.Deciding;
using NativeSplit.Placement.Problems;

namespace NativeSplit.Host.Planning;

/// <summary>A plan as a picture of text, and as JSON.</summary>
internal static class PlanReport
{
    private const int BarWidth = 32;

    /// <summary>The way of a token, a bar per segment, and what each node then holds.</summary>
    public static IEnumerable<string> Picture(PlacementProblem problem, PlacementResult.Placed placed)
    {
        Plan plan = placed.Plan;
        yield return $"{problem.Origin} -> {string.Join(" -> ", plan.Segments.Select(s => $"{s.Node} {s.Layers}"))} -> {problem.Origin}";
        int name = plan.Segments.Max(s => s.Node.Value.Length), count = problem.Layers.Count;
        foreach (PlanSegment segment in plan.Segments)
        {
            NodeFacts node = problem.Nodes.Single(n => n.Id == segment.Node);
            int from = segment.Layers.Start * BarWidth / count, to = Math.Max(from + 1, segment.Layers.End * BarWidth / count);
            string bar = new string('.', from) + new string('#', to - from) + new string('.', BarWidth - to);
            long bytes = Enumerable.Range(segment.Layers.Start, segment.Layers.Count).Sum(u => problem.Layers[u].WeightBytes + (problem.Layers[u].KvBytesPerToken * problem.KvReserveTokens));
            yield return $"  {segment.Node.Value.PadRight(name)} |{bar}| {segment.Layers.Count,3} layers, {Verbs.InspectVerb.Bytes(bytes)} of {Verbs.InspectVerb.Bytes(node.FreeMemoryBytes)}{(node.IsTrusted ? ", trusted" : string.Empty)}";
        }

        IReadOnlyList<long> times = SloWhatIf.TimesOf(problem, plan);
        for (int r = 0; r < problem.Requests.Count; r++)
        {
            RequestClass request = problem.Requests[r];
            yield return $"  {request.Name}: first token {Time(times[2 * r], request.TtftSloMicroseconds)}, each further {Time(times[(2 * r) + 1], request.TpotSloMicroseconds)}";
        }
    }

    /// <summary>What it costs, who proved it, and what stands in the way of more.</summary>
    public static IEnumerable<string> Explanation(PlacementProblem problem, PlacementResult.Placed placed, string proof)
    {
        yield return string.Create(CultureInfo.InvariantCulture, $"cost {placed.Cost.Total / 1e5:0.00000}: latency {placed.Cost.Latency / 1e5:0.00000}, missed SLOs {placed.Cost.SloMiss / 1e5:0.00000}, utilisation {placed.Cost.Utilization / 1e5:0.00000}, privacy {placed.Cost.Privacy / 1e5:0.00000}");
        yield return string.Create(CultureInfo.InvariantCulture, $"no plan costs less than {placed.LowerBound / 1e5:0.00000} (gap {placed.Gap / 1e4:0.00} %)");
        yield return proof;
        foreach (string constraint in BindingConstraints.Of(problem, placed.Plan))
        {
            yield return $"binding: {constraint}";
        }

        foreach (SloShortfall shortfall in SloWhatIf.Explain(problem, placed.Plan))
        {
            yield return $"why: {shortfall}";
        }
    }

    /// <summary>Says who stands behind the plan.</summary>
    public static string Proof(CertificateResult answer) => answer switch
    {
        CertificateResult.Refuted { By: Certifier.DualBound } => "proved by the multipliers alone: no better plan",
        CertificateResult.Refuted refuted => $"proved by Z3: no better plan ({refuted.CandidateCount} segments asked about)",
        CertificateResult.Improved => "Z3 found a better plan; it is the one shown",
        CertificateResult.OutOfTime late => $"not certified by Z3: out of time ({late.CandidateCount} segments left)",
        CertificateResult.Skipped skipped => $"not certified by Z3: {skipped.CandidateCount} segments are left, {skipped.Limit} at most are tried",
        CertificateResult.Unavailable none => $"not certified by Z3. {none.Reason}",
        _ => throw new InvalidOperationException($"{answer.GetType().Name} isn't an answer."),
    };

    public static JsonObject Json(PlacementProblem problem, PlacementResult.Placed placed, CertificateResult? answer)
    {
        IReadOnlyList<long> times = SloWhatIf.TimesOf(problem, placed.Plan);
        return new JsonObject
        {
            ["plan"] = JsonNode.Parse(PlanDocument.Format(placed.Plan)),
            ["cost"] = new JsonObject
            {
                ["total"] = placed.Cost.Total,
                ["latency"] = placed.Cost.Latency,
                ["slo_miss"] = placed.Cost.SloMiss,
                ["utilization"] = placed.Cost.Utilization,
                ["privacy"] = placed.Cost.Privacy,
                ["migration"] = placed.Cost.Migration,
            },
            ["lower_bound"] = placed.LowerBound,
            ["gap_ppm"] = placed.Gap,
            ["proof"] = answer is null ? null : Proof(answer),
            ["binding"] = Strings(BindingConstraints.Of(problem, placed.Plan)),
            ["times_us"] = new JsonObject(problem.Requests.Select((r, i) => KeyValuePair.Create(r.Name, (JsonNode?)new JsonObject { ["ttft"] = times[2 * i], ["tpot"] = times[(2 * i) + 1] }))),
        };
    }

    public static JsonArray Strings(IEnumerable<string> values) => new([.. values.Select(v => (JsonNode)v)]);

    private static string Time(long microseconds, long objective) =>
        string.Create(CultureInfo.InvariantCulture, $"{microseconds / 1000.0:0.0} ms {(microseconds > objective ? "MISSES" : "of")} {objective / 1000.0:0.#} ms");
}
