using Google.OrTools.Sat;
using NativeSplit.Placement.Costs;
using NativeSplit.Placement.Problems;

namespace NativeSplit.Placement.Z3.Tests;

/// <summary>The whole problem as CP-SAT sees it, from the facts alone: a literal per layer and node, one per hop, and no segment.</summary>
/// <remarks>Shares with the solver only the published formulas. SLO misses and utilisation are given as integer divisions and piecewise lines.</remarks>
internal static class CpSat
{
    /// <summary>Φ of the best plan that CP-SAT found, and the bound that it proved; equal when it finished.</summary>
    public static (long Best, long Bound) Solve(PlacementProblem problem, double seconds)
    {
        CpModel model = new();
        int layers = problem.Layers.Count, nodes = problem.Nodes.Count;
        int origin = problem.Nodes.ToList().FindIndex(n => n.Id == problem.Origin);
        BoolVar[,] at = new BoolVar[layers, nodes];
        List<BoolVar> literals = [];
        List<long> costs = [];
        var time = new List<(BoolVar Literal, long[] Times)>();
        for (int u = 0; u < layers; u++)
        {
            for (int n = 0; n < nodes; n++)
            {
                at[u, n] = model.NewBoolVar($"x{u},{n}");
                NodeFacts node = problem.Nodes[n];
                long[] times = LayerTimes(problem, node, problem.Layers[u]);
                long hidden = node.IsTrusted ? 0 : Nearest((Int128)problem.Weights.Privacy * problem.Layers[u].Sensitivity, 1000);
                Pay(at[u, n], Latency(problem, times) + hidden, times);
                if (!node.IsTrusted && problem.Layers[u].IsPrivacyCritical)
                {
                    model.Add(at[u, n] == 0);
                }
            }

            model.AddExactlyOne(Enumerable.Range(0, nodes).Select(n => at[u, n]));
        }

        AddHops();
        LinearExpr total = LinearExpr.WeightedSum(literals, costs) + Latency(problem, EndTimes(problem));
        total = AddNodes(total);
        total = AddMisses(total);
        model.Minimize(total);
        CpSolver solver = new() { StringParameters = string.Create(System.Globalization.CultureInfo.InvariantCulture, $"max_time_in_seconds:{seconds},num_workers:2,random_seed:1") };
        return solver.Solve(model) switch
        {
            CpSolverStatus.Optimal or CpSolverStatus.Feasible => ((long)Math.Round(solver.ObjectiveValue), (long)Math.Ceiling(solver.BestObjectiveBound - 1e-6)),
            CpSolverStatus.ModelInvalid => throw new InvalidOperationException(model.Validate()),
            var other => throw new TimeoutException($"CP-SAT says {other} after {seconds} s."),
        };

        void Pay(BoolVar literal, long cost, long[] times)
        {
            literals.Add(literal);
            costs.Add(cost);
            time.Add((literal, times));
        }

        void AddHops()
        {
            for (int u = 0; u <= layers; u++)
            {
                for (int a = 0; a < nodes; a++)
                {
                    for (int b = 0; b < nodes; b++)
                    {
                        if ((u == 0 && a != origin) || (u == layers && b != origin) || a == b)
                        {
                            continue;
                        }

                        LinkFacts link = problem.Links.Single(l => l.From == problem.Nodes[a].Id && l.To == problem.Nodes[b].Id);
                        long[] times = [.. problem.Requests.SelectMany(r => new[] { LinkTime(problem, link, u == layers ? 1 : r.PromptTokens), LinkTime(problem, link, 1) })];
                        BoolVar hop = u == 0 ? at[0, b] : u == layers ? at[layers - 1, a] : model.NewBoolVar($"y{u},{a},{b}");
                        if (u > 0 && u < layers)
                        {
                            model.AddBoolOr([at[u - 1, a].Not(), at[u, b].Not(), hop]);
                            model.AddImplication(hop, at[u - 1, a]);
                            model.AddImplication(hop, at[u, b]);
                        }

                        Pay(hop, Latency(problem, times), times);
                    }
                }
            }
        }

        LinearExpr AddNodes(LinearExpr sum)
        {
            for (int n = 0; n < nodes; n++)
            {
                NodeFacts node = problem.Nodes[n];
                BoolVar[] here = [.. Enumerable.Range(0, layers).Select(u => at[u, n])];
                model.Add(LinearExpr.WeightedSum(here, problem.Layers.Select(l => l.WeightBytes + (l.KvBytesPerToken * problem.KvReserveTokens))) <= node.FreeMemoryBytes - (n == origin ? problem.Ends.WeightBytes : 0));
                long before = node.BaseLoad + (n == origin ? Load(problem, EndTimes(problem)) : 0);
                model.Add(LinearExpr.WeightedSum(here, problem.Layers.Select(l => Load(problem, LayerTimes(problem, node, l)))) <= UtilizationCurve.MaxLoad - before);
                IntVar load = model.NewIntVar(0, UtilizationCurve.MaxLoad, $"load{n}");
                model.Add(load == LinearExpr.WeightedSum(here, problem.Layers.Select(l => Load(problem, LayerTimes(problem, node, l)))));

                // Starts of segments on the node.
                List<BoolVar> starts = [at[0, n]];
                for (int u = 1; u < layers; u++)
                {
                    BoolVar start = model.NewBoolVar($"s{u},{n}");
                    model.AddBoolOr([at[u, n].Not(), at[u - 1, n], start]);
                    starts.Add(start);
                }

                model.Add(LinearExpr.Sum(starts) <= (node.IsTrusted ? 2 : 1));

                // floor(β (g(before + load) − g(before)) / 1e9) where g is the largest of its lines, so a variable above every line's floor.
                IntVar busy = model.NewIntVar(0, 1_000_000, $"g{n}");
                long[] breaks = [0, 500_000, 700_000, 800_000];
                foreach (long from in breaks)
                {
                    long slope = UtilizationCurve.Exact(from + 1) - UtilizationCurve.Exact(from);
                    Int128 fixedPart = UtilizationCurve.Exact(from) + ((Int128)slope * (before - from)) - UtilizationCurve.Exact(before);
                    model.Add((1_000_000_000 * LinearExpr.Term(busy, 1)) + 999_999_999 >= (problem.Weights.Utilization * slope * LinearExpr.Term(load, 1)) + (long)(problem.Weights.Utilization * fixedPart));
                }

                sum += busy;
            }

            return sum;
        }

        LinearExpr AddMisses(LinearExpr sum)
        {
            long all = problem.Requests.Sum(r => r.RequestsPerKilosecond);
            long[] ends = EndTimes(problem);
            for (int q = 0; q < ends.Length; q++)
            {
                RequestClass request = problem.Requests[q / 2];
                long objective = q % 2 == 0 ? request.TtftSloMicroseconds : request.TpotSloMicroseconds;
                long up = 100L * request.RequestsPerKilosecond * problem.Weights.SloMiss, down = all * objective;
                long common = (long)System.Numerics.BigInteger.GreatestCommonDivisor(up, down);
                (up, down) = (up / common, down / common);
                IntVar miss = model.NewIntVar(0, 50_000_000, $"m{q}");
                int which = q;
                LinearExpr late = LinearExpr.WeightedSum(time.Select(t => t.Literal), time.Select(t => t.Times[which])) + (ends[q] - objective);
                model.Add(LinearExpr.Term(miss, down) >= late * up);
                sum += miss;
            }

            return sum;
        }
    }

    private static long Nearest(Int128 up, Int128 down) => (long)(((2 * up) + down) / (2 * down));

    private static long[] EndTimes(PlacementProblem problem) => [.. problem.Requests.SelectMany(_ => new[] { problem.Ends.PrefillMicroseconds, problem.Ends.DecodeMicroseconds })];

    private static long[] LayerTimes(PlacementProblem problem, NodeFacts node, LayerFacts layer) => [.. problem.Requests.SelectMany(r => new[]
    {
        (long)((((Int128)node.PrefillNanosecondsPerRow * r.PromptTokens * layer.PrefillWork) + 999_999) / 1_000_000),
        ((node.DecodeNanosecondsPerStep * layer.DecodeWork) + 999_999) / 1_000_000,
    })];

    private static long LinkTime(PlacementProblem problem, LinkFacts link, long rows) =>
        link.LatencyMicroseconds + (((problem.BorderBytesPerRow * rows * 1_000_000) + link.BytesPerSecond - 1) / link.BytesPerSecond);

    private static long Load(PlacementProblem problem, long[] times)
    {
        long sum = 0;
        for (int r = 0; r < problem.Requests.Count; r++)
        {
            sum += problem.Requests[r].RequestsPerKilosecond * (times[2 * r] + ((problem.Requests[r].OutputTokens - 1) * times[(2 * r) + 1]));
        }

        return (sum + 999) / 1000;
    }

    private static long Latency(PlacementProblem problem, long[] times)
    {
        long sum = 0, all = problem.Requests.Sum(r => r.RequestsPerKilosecond);
        for (int q = 0; q < times.Length; q++)
        {
            RequestClass request = problem.Requests[q / 2];
            sum += Nearest(
                (Int128)100_000 * problem.Weights.Latency * request.RequestsPerKilosecond * times[q],
                (Int128)2000 * all * (q % 2 == 0 ? request.TtftSloMicroseconds : request.TpotSloMicroseconds));
        }

        return sum;
    }
}
