using NativeSplit.Placement.Costs;
using NativeSplit.Placement.Problems;
using NativeSplit.Placement.Solving;

namespace NativeSplit.Placement.Certifying;

/// <summary>Betters multipliers, so that fewer segments are left to ask a prover about.</summary>
/// <remarks>The search stops at the first proof of its own, often long before its multipliers are good. This goes on from there.</remarks>
public static class Tightening
{
    private const int StepsPerClimb = 30;

    /// <summary>Goes on climbing, and remembers nodes that the bound's chains come back to, until the bound passes the goal or the steps are spent.</summary>
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
        Relaxation relaxation = ResidualProblem.Apply(table, evidence, isRemembering: true);
        DualAscent dual = new(table, relaxation, incumbent);
        RouteLearning learning = new(table, relaxation.Memory);
        DualEvidence best = evidence;
        while (!meter.IsOver && best.Bound <= goal)
        {
            dual.Climb(StepsPerClimb, 0.5, meter);
            if (dual.Bound >= Relaxation.Infinite)
            {
                break;
            }

            DualEvidence now = EvidenceOf(table, relaxation);
            bool isBetter = now.Bound > best.Bound;
            best = isBetter ? now : best;
            if ((!learning.Learn(dual.Chains, model.NodeCount <= 4 ? NodeMemory.MaxBits : NodeMemory.MaxBits - 2) && !isBetter) || !meter.Spend(relaxation.StepsPerRun))
            {
                break;
            }

            relaxation.Run();
        }

        return best;
    }

    /// <summary>The multipliers as they stand. Runs the relaxation.</summary>
    internal static DualEvidence EvidenceOf(SegmentTable segments, Relaxation relaxation)
    {
        Multipliers by = relaxation.Multipliers;
        NodePrices[] nodes = new NodePrices[segments.Model.NodeCount];
        for (int n = 0; n < nodes.Length; n++)
        {
            nodes[n] = new NodePrices(by.Memory[n], by.Load[n], by.Visits[n]);
        }

        relaxation.Run();
        return new DualEvidence
        {
            Nodes = nodes,
            Times = (long[])by.Time.Clone(),
            Remembered = [.. Enumerable.Range(0, nodes.Length).Select(relaxation.Memory.KnownAt)],
            LevelBits = relaxation.Memory.LevelBits,
            MemoryUnitBytes = segments.MemoryUnit,
            Bound = DualAscent.CeilDiv(relaxation.LowerBound),
        };
    }

    private static Piece[] PiecesOf(CostModel model, Plan plan) =>
        [.. plan.Segments.Select(s => new Piece(model.IndexOf(s.Node), s.Layers.Start, s.Layers.End)).Where(p => p.Node >= 0)];
}
