using System.Numerics;
using NativeSplit.Placement.Costs;
using NativeSplit.Placement.Problems;
using NativeSplit.Placement.Solving;

namespace NativeSplit.Placement.Certifying;

/// <summary>Betters multipliers, so that fewer segments are left to ask a prover about.</summary>
/// <remarks>The search stops at the first proof of its own, often long before its multipliers are good. This goes on from there.</remarks>
public static class Tightening
{
    private const int StepsPerClimb = 30;

    /// <summary>Goes on climbing, and tracks nodes that the bound's chains use too often, until the bound passes the goal or the steps are spent.</summary>
    /// <param name="problem">The problem.</param>
    /// <param name="evidence">Multipliers to go on from.</param>
    /// <param name="plan">The best plan known; a target for the bound. Tiles the layers.</param>
    /// <param name="goal">Φ from which on there is nothing left to ask, in 1e-5.</param>
    /// <param name="steps">Most steps, as <see cref="SolveBudget.Steps"/>.</param>
    /// <returns>Evidence whose bound is at least as high.</returns>
    /// <exception cref="PlanException"><see cref="PlanFault.ProblemInvalid"/>.</exception>
    /// <exception cref="ArgumentException">The evidence isn't of this problem.</exception>
    public static DualEvidence Tighten(PlacementProblem problem, DualEvidence evidence, Plan plan, long goal, long steps)
    {
        ArgumentNullException.ThrowIfNull(evidence);
        ArgumentNullException.ThrowIfNull(plan);
        BudgetMeter meter = new(new SolveBudget { Steps = steps });
        CostModel model = new(problem);
        SegmentTable table = new(model);
        Incumbent incumbent = new(model);
        incumbent.Offer(PiecesOf(model, plan));
        Relaxation relaxation = ResidualProblem.Apply(table, evidence, isTracked: true);
        DualAscent dual = new(table, relaxation, incumbent);
        DualEvidence best = evidence;
        while (!meter.IsOver && best.Bound <= goal)
        {
            dual.Climb(StepsPerClimb, 0.5, meter);
            if (dual.Bound >= Relaxation.Infinite)
            {
                break;
            }

            DualEvidence now = EvidenceOf(table, relaxation);
            best = now.Bound > best.Bound ? now : best;
            bool isMoreTracked = TrackWorst(model, relaxation, dual, SegmentProgram.MaxTracked);
            if (!isMoreTracked && now.Bound <= best.Bound && relaxation.TrackedCount == SegmentProgram.MaxTracked)
            {
                break;
            }

            if (!meter.Spend(relaxation.StepsPerRun))
            {
                break;
            }

            relaxation.Run();
        }

        return best;
    }

    /// <summary>Gives a bit to the untrusted node that the last climb's chains used too often most often. False when there is none, or no bit.</summary>
    internal static bool TrackWorst(CostModel model, Relaxation relaxation, DualAscent dual, int mostTracked)
    {
        int worst = -1;
        for (int n = 0; n < model.NodeCount; n++)
        {
            if (relaxation.Bit[n] == 0 && model.MaxSegments(n) == 1 && dual.OverVisited[n] > (worst < 0 ? 0 : dual.OverVisited[worst]))
            {
                worst = n;
            }
        }

        if (worst < 0 || relaxation.TrackedCount >= mostTracked)
        {
            return false;
        }

        relaxation.Track(worst);
        return true;
    }

    /// <summary>The multipliers as they stand. Runs the relaxation.</summary>
    internal static DualEvidence EvidenceOf(SegmentTable segments, Relaxation relaxation)
    {
        Multipliers by = relaxation.Multipliers;
        int[] tracked = new int[relaxation.TrackedCount];
        NodePrices[] nodes = new NodePrices[segments.Model.NodeCount];
        for (int n = 0; n < nodes.Length; n++)
        {
            nodes[n] = new NodePrices(by.Memory[n], by.Load[n], by.Visits[n]);
            if (relaxation.Bit[n] != 0)
            {
                tracked[BitOperations.TrailingZeroCount(relaxation.Bit[n])] = n;
            }
        }

        relaxation.Run();
        return new DualEvidence
        {
            Nodes = nodes,
            Times = (long[])by.Time.Clone(),
            TrackedNodes = tracked,
            MemoryUnitBytes = segments.MemoryUnit,
            Bound = DualAscent.CeilDiv(relaxation.LowerBound),
        };
    }

    private static Piece[] PiecesOf(CostModel model, Plan plan) =>
        [.. plan.Segments.Select(s => new Piece(model.IndexOf(s.Node), s.Layers.Start, s.Layers.End)).Where(p => p.Node >= 0)];
}
