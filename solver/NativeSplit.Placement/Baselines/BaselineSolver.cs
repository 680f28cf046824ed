using NativeSplit.Model;
using NativeSplit.Placement.Costs;
using NativeSplit.Placement.Problems;

namespace NativeSplit.Placement.Baselines;

/// <summary>A method that makes one plan by a rule. What it makes is checked as any plan; a plan that breaks a hard rule is no answer.</summary>
public abstract class BaselineSolver : IPlacementSolver
{
    /// <inheritdoc/>
    public abstract string Name { get; }

    /// <summary>Every baseline, the simplest first.</summary>
    public static IReadOnlyList<IPlacementSolver> All { get; } = [new EvenSolver(), new MemoryProportionalSolver(), new StaticThreeSolver(), new GreedySolver(), new EdgeShardSolver()];

    /// <inheritdoc/>
    public PlacementResult Solve(PlacementProblem problem, SolveBudget budget)
    {
        CostModel model = new(problem);
        if (Make(model) is not { } at)
        {
            return new PlacementResult.NotPlaced([$"The method '{Name}' has no next step: no node may take the next layer."]);
        }

        List<PlanSegment> segments = [];
        for (int start = 0, end; start < at.Length; start = end)
        {
            for (end = start + 1; end < at.Length && at[end] == at[start]; end++)
            {
            }

            segments.Add(new PlanSegment(new LayerRange(start, end), problem.Nodes[at[start]].Id));
        }

        Plan plan = new(new PlanEpoch((problem.Migration?.Current.Epoch.Value ?? 0) + 1), segments);
        PlacementVerdict verdict = PlacementChecker.Check(problem, plan);

        // Every term is at least zero, so zero is a bound; these methods prove no other.
        return verdict.Cost is { } cost ? new PlacementResult.Placed(plan, cost, 0) : new PlacementResult.NotPlaced(verdict.Faults);
    }

    /// <summary>Node of each layer, by index; null when the rule leads nowhere.</summary>
    private protected abstract int[]? Make(CostModel model);

    /// <summary>Nodes with room for layers, the origin first, then in the problem's order.</summary>
    private protected static int[] Usable(CostModel model) =>
        [.. Enumerable.Range(0, model.NodeCount).Where(n => model.Layers.MemoryLimit[n] > 0).OrderBy(n => n == model.Origin ? 0 : 1)];

    /// <summary>Hands out layers in order, to each node its share of the whole, rounded so that nothing is lost.</summary>
    private protected static int[] Shared(CostModel model, int[] nodes, Func<int, double> share)
    {
        int[] at = new int[model.LayerCount];
        double whole = nodes.Sum(share), upTo = 0;
        int start = 0;
        foreach (int n in nodes)
        {
            upTo += share(n);
            int end = n == nodes[^1] ? at.Length : (int)Math.Round(at.Length * upTo / whole);
            at.AsSpan(start, Math.Max(0, end - start)).Fill(n);
            start = Math.Max(start, end);
        }

        return at;
    }
}

/// <summary>As many layers for each node as for any other.</summary>
public sealed class EvenSolver : BaselineSolver
{
    /// <inheritdoc/>
    public override string Name => "even";

    private protected override int[]? Make(CostModel model) => Usable(model) is { Length: > 0 } nodes ? Shared(model, nodes, _ => 1) : null;
}

/// <summary>Layers in proportion to free memory, the roomiest node first: the default of exo (ring memory weighted partitioning).</summary>
public sealed class MemoryProportionalSolver : BaselineSolver
{
    /// <inheritdoc/>
    public override string Name => "memory-proportional";

    private protected override int[]? Make(CostModel model)
    {
        int[] nodes = [.. Usable(model).OrderByDescending(n => model.Layers.MemoryLimit[n])];
        return nodes.Length > 0 ? Shared(model, nodes, n => model.Layers.MemoryLimit[n]) : null;
    }
}

/// <summary>The paper's static split: S1 and S3 at the origin, S2 on the fastest other node that holds it.</summary>
/// <remarks>S1 reaches to the last privacy-critical layer of the first half, at least one layer; S3 from the first of the second half, at least one.</remarks>
public sealed class StaticThreeSolver : BaselineSolver
{
    /// <inheritdoc/>
    public override string Name => "static-s1-s2-s3";

    private protected override int[]? Make(CostModel model)
    {
        int half = model.LayerCount / 2;
        int first = 1 + Enumerable.Range(0, half).LastOrDefault(model.Problem.NeedsTrust), last = model.LayerCount - 1;
        for (int u = model.LayerCount - 1; u >= Math.Max(half, first); u--)
        {
            last = model.Problem.NeedsTrust(u) ? u : last;
        }

        if (first >= last)
        {
            return Enumerable.Repeat(model.Origin, model.LayerCount).ToArray();
        }

        int middle = -1;
        for (int n = 0; n < model.NodeCount; n++)
        {
            bool fits = n != model.Origin && model.Layers.MaxEnd(n, first) >= last;
            if (fits && (middle < 0 || model.Problem.Nodes[n].DecodeNanosecondsPerStep < model.Problem.Nodes[middle].DecodeNanosecondsPerStep))
            {
                middle = n;
            }
        }

        return middle < 0 ? null : [.. Enumerable.Range(0, model.LayerCount).Select(u => u < first || u >= last ? model.Origin : middle)];
    }
}
