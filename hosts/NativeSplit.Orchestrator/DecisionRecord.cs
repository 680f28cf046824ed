using System.Text.Json;
using System.Text.Json.Serialization;
using NativeSplit.Placement;
using NativeSplit.Placement.Costs;
using NativeSplit.Placement.Deciding;
using NativeSplit.Placement.Problems;

namespace NativeSplit.Orchestrator;

/// <summary>A decision, with what it was made from: enough to explain it later without the cluster.</summary>
public sealed record DecisionRecord
{
    /// <summary>When, in UTC.</summary>
    public required DateTimeOffset Time { get; init; }

    /// <summary>Why a decision was due.</summary>
    public required TriggerCause Trigger { get; init; }

    /// <summary>What was decided; <see cref="DecisionKind.Resplit"/> for a first plan.</summary>
    public required DecisionKind Kind { get; init; }

    /// <summary>Why; null for a first plan.</summary>
    public DecisionCause? Cause { get; init; }

    /// <summary>The plan to have in force: <c>gateway [0, 4) -> worker-1 [4, 8)</c>.</summary>
    public required string Plan { get; init; }

    /// <summary>Φ of that plan, in 1e-5; null when it breaks a hard rule.</summary>
    public long? Cost { get; init; }

    /// <summary>The terms of that; null when it breaks a hard rule.</summary>
    public CostBreakdown? Terms { get; init; }

    /// <summary>Φ of the plan that was in force, in 1e-5; null when it breaks a hard rule, or there was none.</summary>
    public long? CurrentCost { get; init; }

    /// <summary>Share by which a better plan may still exist, in 1e-6.</summary>
    public long Gap { get; init; }

    /// <summary>Who proved that.</summary>
    public string? CertifiedBy { get; init; }

    /// <summary>Hard rules that the plan in force breaks, or why no plan exists.</summary>
    public IReadOnlyList<string> Faults { get; init; } = [];

    /// <summary>What the plan can't have more of.</summary>
    public IReadOnlyList<string> Binding { get; init; } = [];

    /// <summary>Bytes that change their node.</summary>
    public long BytesToMove { get; init; }

    /// <summary>Time to pay back, in seconds.</summary>
    public double? PayBackSeconds { get; init; }

    /// <summary>The nodes it was made from: name, ns per prompt row and per step of a layer, bytes.</summary>
    public required IReadOnlyList<NodeRecord> Nodes { get; init; }

    /// <summary>The links it was made from.</summary>
    public required IReadOnlyList<LinkRecord> Links { get; init; }

    /// <summary>One line of JSON.</summary>
    public string ToJson() => JsonSerializer.Serialize(this, DecisionJsonContext.Default.DecisionRecord);

    /// <summary>Reads such a line.</summary>
    /// <exception cref="JsonException">It isn't one.</exception>
    public static DecisionRecord Parse(string line) =>
        JsonSerializer.Deserialize(line, DecisionJsonContext.Default.DecisionRecord) ?? throw new JsonException("The line is null.");

    /// <summary>Writes the segments of a plan on one line.</summary>
    public static string Draw(Plan plan)
    {
        ArgumentNullException.ThrowIfNull(plan);
        return string.Join(" -> ", plan.Segments.Select(segment => $"{segment.Node} {segment.Layers}"));
    }

    internal static DecisionRecord Of(DateTimeOffset time, TriggerCause trigger, PlacementProblem problem, Decision decision) => new()
    {
        Time = time,
        Trigger = trigger,
        Kind = decision.Kind,
        Cause = decision.Cause,
        Plan = Draw(decision.Plan),
        Cost = decision.Cost?.Total,
        Terms = decision.Cost,
        CurrentCost = decision.CurrentCost?.Total,
        Gap = decision.Gap,
        CertifiedBy = decision.CertifiedBy.ToString(),
        Faults = decision.Faults,
        Binding = decision.BindingConstraints,
        BytesToMove = decision.BytesToMove,
        PayBackSeconds = decision.PayBack?.TotalSeconds,
        Nodes = NodesOf(problem),
        Links = LinksOf(problem),
    };

    internal static DecisionRecord OfFirst(DateTimeOffset time, PlacementProblem problem, PlacementResult result)
    {
        PlacementResult.Placed? placed = result switch
        {
            PlacementResult.Placed whole => whole,
            PlacementResult.OutOfTime late => late.Best,
            _ => null,
        };
        return new DecisionRecord
        {
            Time = time,
            Trigger = TriggerCause.Plan,
            Kind = placed is null ? DecisionKind.Stuck : DecisionKind.Resplit,
            Plan = placed is null ? "none" : Draw(placed.Plan),
            Cost = placed?.Cost.Total,
            Terms = placed?.Cost,
            Gap = placed?.Gap ?? 0,
            Faults = (result as PlacementResult.Infeasible)?.Reasons ?? [],
            Nodes = NodesOf(problem),
            Links = LinksOf(problem),
        };
    }

    private static NodeRecord[] NodesOf(PlacementProblem problem) =>
        [.. problem.Nodes.Select(node => new NodeRecord(node.Id.Value, node.IsTrusted, node.PrefillNanosecondsPerRow, node.DecodeNanosecondsPerStep, node.FreeMemoryBytes))];

    private static LinkRecord[] LinksOf(PlacementProblem problem) =>
        [.. problem.Links.Select(link => new LinkRecord(link.From.Value, link.To.Value, link.LatencyMicroseconds, link.BytesPerSecond))];
}

/// <summary>A node as a decision saw it.</summary>
public sealed record NodeRecord(string Node, bool Trusted, long PrefillNanosecondsPerRow, long DecodeNanosecondsPerStep, long MemoryBytes);

/// <summary>A directed link as a decision saw it.</summary>
public sealed record LinkRecord(string From, string To, long LatencyMicroseconds, long BytesPerSecond);

[JsonSourceGenerationOptions(JsonSerializerDefaults.Web, UseStringEnumConverter = true, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(DecisionRecord))]
internal sealed partial class DecisionJsonContext : JsonSerializerContext;
