using NativeSplit.Model;
using NativeSplit.Placement.Problems;

namespace NativeSplit.Placement.Tests;

/// <summary>Every layer on every node, judged by the checker alone: the definition of the optimum.</summary>
internal static class BruteForce
{
    /// <summary>Least Φ of all plans, or null when none keeps the rules.</summary>
    public static long? Optimum(PlacementProblem problem)
    {
        int[] at = new int[problem.Layers.Count];
        long? best = null;
        do
        {
            if (PlacementChecker.Check(problem, ToPlan(problem, at)).Cost is { } cost && !(best <= cost.Total))
            {
                best = cost.Total;
            }
        }
        while (Next(at, problem.Nodes.Count));
        return best;
    }

    /// <summary>Least time of all plans that keep the rules, in µs.</summary>
    public static long? LeastTime(PlacementProblem problem, int time)
    {
        int[] at = new int[problem.Layers.Count];
        long? best = null;
        do
        {
            Plan plan = ToPlan(problem, at);
            if (PlacementChecker.Check(problem, plan).Faults.Count == 0)
            {
                long now = Deciding.SloWhatIf.TimesOf(problem, plan)[time];
                best = best <= now ? best : now;
            }
        }
        while (Next(at, problem.Nodes.Count));
        return best;
    }

    private static Plan ToPlan(PlacementProblem problem, int[] at)
    {
        List<PlanSegment> segments = [];
        for (int start = 0, end; start < at.Length; start = end)
        {
            for (end = start + 1; end < at.Length && at[end] == at[start]; end++)
            {
            }

            segments.Add(new PlanSegment(new LayerRange(start, end), problem.Nodes[at[start]].Id));
        }

        return new Plan(new PlanEpoch(1), segments);
    }

    private static bool Next(int[] at, int nodes)
    {
        for (int u = 0; u < at.Length; u++)
        {
            if (++at[u] < nodes)
            {
                return true;
            }

            at[u] = 0;
        }

        return false;
    }
}
