using System.Globalization;
using NativeSplit.Placement;
using NativeSplit.Placement.Baselines;
using NativeSplit.Placement.Certifying;
using NativeSplit.Placement.Problems;
using NativeSplit.Placement.Tests;
using NativeSplit.Placement.Z3;

namespace NativeSplit.PlacementBench;

/// <summary>Times first placements and keep-or-change decisions, asks Z3 for a second opinion, and compares Φ with the baselines'.</summary>
internal static class DecisionBench
{
    /// <summary>Keep the plan in force unless another is better by this, in 1e-6.</summary>
    private const int Delta = 50_000;

    public static void Run(IEnumerable<BenchRow> rows, int? seeds, bool withZ3, TimeProvider clock, TextWriter output)
    {
        Z3Certifier z3 = new(TimeProvider.System);
        output.WriteLine(withZ3 ? $"Z3 {z3.Version}{z3.Missing}" : "Z3 not asked");
        output.WriteLine("| layers x nodes | n | place p50 / p99 ms | keep p50 / p99 ms | optimal | gap %: median, worst | hops, median | Z3: no better plan, within 1 s | Z3: none 5 % better | "
            + string.Join(" | ", BaselineSolver.All.Select(b => b.Name)) + " |");
        output.WriteLine("|---|---|---|---|---|---|---|---|" + string.Concat(BaselineSolver.All.Select(_ => "---|")));
        Warm();
        foreach (BenchRow row in rows)
        {
            output.WriteLine(Measure(row, seeds ?? row.Seeds, withZ3 ? z3 : null, clock));
            output.Flush();
        }
    }

    // Twice over small ones, so that compiling isn't timed.
    private static void Warm()
    {
        for (int seed = 0; seed < 60; seed++)
        {
            PlacementSolver.Solve(EdgeClusters.Make(24, 4, seed, 150), new SolveBudget());
        }
    }

    private static string Measure(BenchRow row, int seeds, Z3Certifier? z3, TimeProvider clock)
    {
        List<double> place = [], keep = [], gaps = [], hops = [];
        List<double[]> against = [];
        int optimal = 0, infeasible = 0, certified = 0, refuted = 0;
        for (int seed = 0; seed < seeds; seed++)
        {
            PlacementProblem problem = EdgeClusters.Make(row.Layers, row.Nodes, seed, row.RoomPercent);
            SolveBudget budget = new() { Steps = long.MaxValue, Clock = clock, TimeLimit = TimeSpan.FromMilliseconds(row.LimitMilliseconds), AcceptedGap = row.AcceptedGap };
            long begin = clock.GetTimestamp();
            PlacementResult result = PlacementSolver.Solve(problem, budget);
            place.Add(clock.GetElapsedTime(begin).TotalMilliseconds);
            if ((result as PlacementResult.Placed ?? (result as PlacementResult.OutOfTime)?.Best) is not { } best)
            {
                infeasible += result is PlacementResult.Infeasible ? 1 : 0;
                gaps.Add(result is PlacementResult.Infeasible ? 0 : 100);
                continue;
            }

            optimal += best.IsProvenOptimal ? 1 : 0;
            gaps.Add(best.Gap / 1e4);
            hops.Add(best.Plan.Segments.Count);
            keep.Add(Keep(problem, best.Plan, budget, clock));
            against.Add([.. BaselineSolver.All.Select(b => b.Solve(problem, budget) is PlacementResult.Placed other ? (double)other.Cost.Total / best.Cost.Total : double.PositiveInfinity)]);
            certified += z3 is not null && Asked(z3, problem, best, best.Cost.Total - 1) ? 1 : 0;
            refuted += z3 is not null && Asked(z3, problem, best, best.Cost.Total - (best.Cost.Total * Delta / 1_000_000)) ? 1 : 0;
        }

        string Share(int count) => z3 is null ? "-" : string.Create(CultureInfo.InvariantCulture, $"{count}/{hops.Count}");
        return string.Create(
            CultureInfo.InvariantCulture,
            $"| {row.Name} | {seeds} | {At(place, 0.5):0.0} / {At(place, 0.99):0.0} | {At(keep, 0.5):0.0} / {At(keep, 0.99):0.0} | {optimal}/{hops.Count}{(infeasible > 0 ? $" ({infeasible} without plan)" : "")} | {At(gaps, 0.5):0.00}, {gaps.Max():0.00} | {At(hops, 0.5):0} | {Share(certified)} | {Share(refuted)} | {string.Join(" | ", BaselineSolver.All.Select((_, b) => Ratio([.. against.Select(a => a[b])])))} |");
    }

    private static double Keep(PlacementProblem problem, Plan plan, SolveBudget budget, TimeProvider clock)
    {
        PlacementProblem later = problem with { Migration = new MigrationFacts { Current = plan, LiveKvTokens = 4096 } };
        long begin = clock.GetTimestamp();
        PlacementSolver.Solve(later, budget with { AcceptedGap = Delta });
        return clock.GetElapsedTime(begin).TotalMilliseconds;
    }

    private static bool Asked(Z3Certifier z3, PlacementProblem problem, PlacementResult.Placed best, long goal) =>
        z3.Ask(problem, best, goal, TimeSpan.FromSeconds(1), CancellationToken.None) is CertificateResult.Refuted;

    // Φ of a baseline against ours: median where it has a plan, and how often it has one.
    private static string Ratio(List<double> ratios)
    {
        List<double> made = [.. ratios.Where(double.IsFinite)];
        return made.Count == 0 ? "no plan" : string.Create(CultureInfo.InvariantCulture, $"{At(made, 0.5):0.00} ({made.Count}/{ratios.Count})");
    }

    private static double At(List<double> values, double quantile) =>
        values.Count == 0 ? double.NaN : values.Order().ElementAt(Math.Min(values.Count - 1, (int)(quantile * values.Count)));
}
