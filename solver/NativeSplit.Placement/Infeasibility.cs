using NativeSplit.Placement.Costs;
using NativeSplit.Placement.Problems;
using NativeSplit.Placement.Solving;

namespace NativeSplit.Placement;

/// <summary>Says in words why no plan exists.</summary>
internal static class Infeasibility
{
    // For each what-if; enough for any problem in which a plan is easy to find.
    private const long StepsPerQuestion = 5_000_000;

    /// <summary>Reasons, the plainest first: sums that can't fit; failing those, each rule without which a plan exists.</summary>
    public static IReadOnlyList<string> Explain(PlacementProblem problem, BudgetMeter meter)
    {
        CostModel model = new(problem);
        List<string> reasons = [];
        AddOrigin(model, reasons);
        AddMemory(model, reasons);
        AddPrivacy(model, reasons);
        AddLoad(model, reasons);
        AddStranded(model, reasons);
        if (reasons.Count == 0 && !meter.IsOver)
        {
            AddQuestions(problem, reasons);
        }

        if (reasons.Count == 0)
        {
            reasons.Add("No split keeps memory, utilisation, privacy, links and the number of segments per node together.");
        }

        return reasons;
    }

    private static void AddOrigin(CostModel model, List<string> reasons)
    {
        NodeFacts origin = model.Problem.Nodes[model.Origin];
        if (model.Layers.MemoryLimit[model.Origin] < 0)
        {
            reasons.Add($"Embedding and head need {Words.Bytes(model.Problem.Ends.WeightBytes)} on {origin.Id}, which has {Words.Bytes(origin.FreeMemoryBytes)} free.");
        }

        if (model.Layers.LoadLimit[model.Origin] < 0)
        {
            reasons.Add($"With embedding and head, {origin.Id} is {Words.Percent(model.Layers.BaseLoad[model.Origin])} busy before it runs a layer; the limit is {Words.Percent(UtilizationCurve.MaxLoad)}.");
        }
    }

    private static void AddMemory(CostModel model, List<string> reasons)
    {
        Int128 need = Sum(model.Layers.Memory), have = Sum(model.Layers.MemoryLimit.Select(m => Math.Max(0, m)));
        if (need > have)
        {
            reasons.Add($"The layers need {Words.Bytes(need)} of memory, the nodes have {Words.Bytes(have)} for them.");
        }

        for (int u = 0; u < model.LayerCount; u++)
        {
            if (model.Layers.Memory[u] > model.Layers.MemoryLimit.Max())
            {
                reasons.Add($"Layer {u} needs {Words.Bytes(model.Layers.Memory[u])} of memory, the roomiest node has {Words.Bytes(Math.Max(0, model.Layers.MemoryLimit.Max()))} for it.");
                return;
            }
        }
    }

    private static void AddPrivacy(CostModel model, List<string> reasons)
    {
        Int128 need = Sum(Enumerable.Range(0, model.LayerCount).Where(model.Problem.NeedsTrust).Select(u => model.Layers.Memory[u]));
        Int128 have = Sum(Enumerable.Range(0, model.NodeCount).Where(model.IsTrusted).Select(n => Math.Max(0, model.Layers.MemoryLimit[n])));
        if (need > have)
        {
            reasons.Add($"Privacy needs {Words.Bytes(need)} on trusted nodes, trusted nodes have {Words.Bytes(have)}.");
        }
    }

    private static void AddLoad(CostModel model, List<string> reasons)
    {
        for (int u = 0; u < model.LayerCount; u++)
        {
            if (Enumerable.Range(0, model.NodeCount).All(n => !model.Layers.IsAllowed(n, u) || model.Layers.Load(n, u) > model.Layers.LoadLimit[n]))
            {
                reasons.Add($"No node that may run layer {u} has the time for it below a utilisation of {Words.Percent(UtilizationCurve.MaxLoad)}"
                    + $" and within {CostModel.UsableSloMultiple} times the SLOs.");
                return;
            }
        }
    }

    private static void AddStranded(CostModel model, List<string> reasons)
    {
        bool[] reached = new bool[model.NodeCount];
        Queue<int> next = new([model.Origin]);
        while (next.TryDequeue(out int from))
        {
            for (int to = 0; to < model.NodeCount; to++)
            {
                if (from != to && !reached[to] && model.Hops.IsUsable(from, to))
                {
                    reached[to] = true;
                    next.Enqueue(to);
                }
            }
        }

        reached[model.Origin] = true;
        if (reached.Contains(false) && Sum(model.Layers.Memory) > Sum(model.Layers.MemoryLimit.Where((_, n) => reached[n]).Select(m => Math.Max(0, m))))
        {
            reasons.Add($"No usable link leads from {model.Problem.Origin} to {string.Join(", ", model.Problem.Nodes.Where((_, n) => !reached[n]).Select(n => n.Id))}; the other nodes are too small.");
        }
    }

    private static void AddQuestions(PlacementProblem problem, List<string> reasons)
    {
        (string Rule, PlacementProblem Without)[] questions =
        [
            ("privacy", problem with
            {
                Layers = [.. problem.Layers.Select(l => l with { IsPrivacyCritical = false })],
                Requests = [.. problem.Requests.Select(r => r with { IsPrivate = false })],
            }),
            ("the memory limits", problem with { Nodes = [.. problem.Nodes.Select(n => n with { FreeMemoryBytes = ProblemRules.MaxBytes })] }),
            ("the limit on utilisation", problem with
            {
                Ends = problem.Ends with { PrefillMicroseconds = 0, DecodeMicroseconds = 0 },
                Nodes = [.. problem.Nodes.Select(n => n with { BaseLoad = 0, PrefillNanosecondsPerRow = 0, DecodeNanosecondsPerStep = 0 })],
            }),
            ("the missing links", problem with
            {
                Links = [.. problem.Nodes.SelectMany(a => problem.Nodes.Where(b => b.Id != a.Id).Select(b => new LinkFacts(a.Id, b.Id, 0, ProblemRules.MaxBytes)))],
            }),
            ("the ways from the plan in force", problem with { Migration = null }),
        ];
        foreach ((string rule, PlacementProblem without) in questions)
        {
            (PlacementResult result, _) = PlacementSolver.Search(without, new BudgetMeter(new SolveBudget { Steps = StepsPerQuestion, AcceptedGap = 1_000_000 }));
            if (result is PlacementResult.Placed or PlacementResult.OutOfTime { Best: not null })
            {
                reasons.Add($"No split keeps every rule; without {rule} there is one.");
            }
        }
    }

    private static Int128 Sum(IEnumerable<long> values)
    {
        Int128 sum = 0;
        foreach (long value in values)
        {
            sum += value;
        }

        return sum;
    }
}
