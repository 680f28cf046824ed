using NativeSplit.Placement.Costs;

namespace NativeSplit.Placement.Baselines;

/// <summary>From the front, always the node and the length of segment that cost least per layer, hop included; never looks ahead.</summary>
public sealed class GreedySolver : BaselineSolver
{
    /// <inheritdoc/>
    public override string Name => "greedy";

    private protected override int[]? Make(CostModel model)
    {
        int[] at = new int[model.LayerCount], used = new int[model.NodeCount];
        int from = model.Origin;
        for (int start = 0; start < at.Length;)
        {
            (int Node, int End, double Cost) best = (-1, 0, double.MaxValue);
            for (int n = 0; n < model.NodeCount; n++)
            {
                bool isFirstAtOrigin = start == 0 && n == model.Origin;
                if (used[n] > 0 || (!isFirstAtOrigin && !model.Hops.IsUsable(from, n)))
                {
                    continue;
                }

                double cost = model.Hops.Latency(from, n);
                for (int end = start + 1; end <= model.Layers.MaxEnd(n, start); end++)
                {
                    cost += model.Layers.Latency(n, end - 1) + model.Layers.Privacy(n, end - 1) + model.Layers.Migration(n, end - 1);
                    if (cost / (end - start) < best.Cost)
                    {
                        best = (n, end, cost / (end - start));
                    }
                }
            }

            if (best.Node < 0)
            {
                return null;
            }

            at.AsSpan(start, best.End - start).Fill(best.Node);
            used[best.Node]++;
            (from, start) = (best.Node, best.End);
        }

        return at;
    }
}
