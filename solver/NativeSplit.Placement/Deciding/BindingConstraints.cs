using System.Globalization;
using NativeSplit.Placement.Costs;
using NativeSplit.Placement.Problems;

namespace NativeSplit.Placement.Deciding;

/// <summary>Finds what a plan can't have more of.</summary>
public static class BindingConstraints
{
    /// <summary>Names memory and utilisation of nodes that could take no further layer, SLOs that are missed, and privacy where it keeps an untrusted node out.</summary>
    /// <param name="problem">The problem.</param>
    /// <param name="plan">A plan that passes the checker.</param>
    /// <returns>One sentence each, in the order of the nodes, then of the classes.</returns>
    /// <exception cref="PlanException"><see cref="PlanFault.ProblemInvalid"/>, or <see cref="PlanFault.Invalid"/>: the plan breaks a hard rule.</exception>
    public static IReadOnlyList<string> Of(PlacementProblem problem, Plan plan)
    {
        IReadOnlyList<long> times = SloWhatIf.TimesOf(problem, plan);
        CostModel model = new(problem);
        List<string> words = [];
        for (int n = 0; n < model.NodeCount; n++)
        {
            int[] layers = [.. plan.Segments.Where(s => s.Node == problem.Nodes[n].Id).SelectMany(s => Enumerable.Range(s.Layers.Start, s.Layers.Count))];
            int[] others = [.. Enumerable.Range(0, model.LayerCount).Except(layers).Where(u => model.Layers.IsAllowed(n, u))];
            if (layers.Length == 0 || others.Length == 0)
            {
                continue;
            }

            long memory = layers.Sum(u => model.Layers.Memory[u]), load = layers.Sum(u => model.Layers.Load(n, u));
            if (model.Layers.MemoryLimit[n] - memory < others.Min(u => model.Layers.Memory[u]))
            {
                words.Add($"memory of {problem.Nodes[n].Id}: {Words.Bytes(memory)} of {Words.Bytes(model.Layers.MemoryLimit[n])}");
            }

            if (model.Layers.LoadLimit[n] - load < others.Min(u => model.Layers.Load(n, u)))
            {
                words.Add($"utilisation of {problem.Nodes[n].Id}: {Words.Percent(model.Layers.BaseLoad[n] + load)} of {Words.Percent(UtilizationCurve.MaxLoad)}");
            }
        }

        for (int q = 0; q < times.Count; q++)
        {
            if (times[q] > model.Prices.Objective[q])
            {
                words.Add(string.Create(
                    CultureInfo.InvariantCulture, $"{(q % 2 == 0 ? "TTFT" : "TPOT")} of '{problem.Requests[q / 2].Name}': {times[q] / 1000.0:0.#} ms, wanted {model.Prices.Objective[q] / 1000.0:0.#} ms"));
            }
        }

        if (problem.Nodes.Any(n => !n.IsTrusted) && Enumerable.Range(0, model.LayerCount).Any(problem.NeedsTrust))
        {
            words.Add($"privacy: {Enumerable.Range(0, model.LayerCount).Count(problem.NeedsTrust)} of {model.LayerCount} layers on trusted nodes only");
        }

        return words;
    }
}
