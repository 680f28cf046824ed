using NativeSplit.Placement.Costs;

namespace NativeSplit.Placement.Baselines;

/// <summary>EdgeShard's dynamic programme for latency: the cheapest time of the first layers with the last of them on a node.</summary>
/// <remarks>
/// Zhang, Cao, Shen and Cui 2024, Algorithm 1. One state per layer and node; the memory that a path has used is kept with its cheapest
/// path only, so the programme is a heuristic under memory limits. It knows no utilisation, no SLO and no limit on segments per node;
/// where a path would come back to a node it is ended, which the original leaves open.
/// </remarks>
public sealed class EdgeShardSolver : BaselineSolver
{
    /// <inheritdoc/>
    public override string Name => "edgeshard";

    private protected override int[]? Make(CostModel model)
    {
        int layers = model.LayerCount, nodes = model.NodeCount;
        State?[] now = new State?[nodes];
        for (int u = 0; u < layers; u++)
        {
            State?[] next = new State?[nodes];
            for (int n = 0; n < nodes; n++)
            {
                if (!model.Layers.IsAllowed(n, u))
                {
                    continue;
                }

                for (int from = 0; from < nodes; from++)
                {
                    next[n] = Better(next[n], u == 0 ? First(model, n, from) : Extend(model, now[from], n, u));
                }
            }

            now = next;
        }

        State? best = null;
        for (int n = 0; n < nodes; n++)
        {
            if (now[n] is { } last && model.Hops.IsReturnUsable(n))
            {
                best = Better(best, last with { Cost = last.Cost + model.Hops.ReturnLatency(n) });
            }
        }

        return best is null ? null : Trace(best, layers);
    }

    private static State? Better(State? a, State? b) => a is null ? b : b is null || a.Cost <= b.Cost ? a : b;

    private static State? First(CostModel model, int n, int from) => from != model.Origin || !model.Hops.IsUsable(model.Origin, n) || model.Layers.Memory[0] > model.Layers.MemoryLimit[n]
        ? null
        : new State(model.Hops.Latency(model.Origin, n) + model.Layers.Latency(n, 0), n, model.Layers.Memory[0], UInt128.One << n, null);

    private static State? Extend(CostModel model, State? before, int n, int u)
    {
        if (before is null)
        {
            return null;
        }

        bool stays = before.Node == n;
        long memory = model.Layers.Memory[u] + (stays ? before.Memory : 0);
        return memory > model.Layers.MemoryLimit[n] || (!stays && ((before.Used >> n & 1) != 0 || !model.Hops.IsUsable(before.Node, n)))
            ? null
            : new State(before.Cost + model.Layers.Latency(n, u) + (stays ? 0 : model.Hops.Latency(before.Node, n)), n, memory, before.Used | (UInt128.One << n), before);
    }

    private static int[] Trace(State last, int layers)
    {
        int[] at = new int[layers];
        State? state = last;
        for (int u = layers - 1; u >= 0; u--, state = state.Before)
        {
            at[u] = state!.Node;
        }

        return at;
    }

    private sealed record State(long Cost, int Node, long Memory, UInt128 Used, State? Before);
}
