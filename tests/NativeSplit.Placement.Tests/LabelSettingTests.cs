using NativeSplit.Placement.Costs;
using NativeSplit.Placement.Problems;
using NativeSplit.Placement.Solving;

namespace NativeSplit.Placement.Tests;

/// <summary>Label setting alone: no multipliers, no local search, nothing that could find the optimum in its stead.</summary>
public sealed class LabelSettingTests
{
    [Fact]
    public void Run_FindsTheOptimum_WithoutMultipliers()
    {
        for (int seed = 0; seed < 300; seed++)
        {
            PlacementProblem problem = RandomProblems.MakeStrained(seed);
            CostModel model = new(problem);
            if (model.Layers.LoadLimit[model.Origin] < 0 || model.Layers.MemoryLimit[model.Origin] < 0)
            {
                continue;
            }

            SegmentTable segments = new(model);
            Relaxation relaxation = new(segments);
            relaxation.Run();
            Incumbent incumbent = new(model);
            LabelSetting labels = new(segments, relaxation, incumbent, new BudgetMeter(new SolveBudget()));
            labels.Run(100_000, 0, long.MaxValue);
            Assert.Equal(long.MaxValue, labels.LeastUnseen);
            long? optimum = BruteForce.Optimum(problem);
            Assert.True(incumbent.Cost == (optimum ?? long.MaxValue), $"Seed {seed}: Φ is {incumbent.Cost}, brute force says {optimum}.");
        }
    }
}
