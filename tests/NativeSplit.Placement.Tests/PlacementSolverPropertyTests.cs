using NativeSplit.Placement.Problems;

namespace NativeSplit.Placement.Tests;

/// <summary>What holds for every problem, on fixed seeds.</summary>
public sealed class PlacementSolverPropertyTests
{
    private const int Seeds = 200;

    [Fact]
    public void Solve_NeverCostsMore_WhenANodeIsAdded() => Compare((problem, random) =>
    {
        NodeId added = new("added");
        return problem with
        {
            Nodes = [.. problem.Nodes, problem.Nodes[random.Next(problem.Nodes.Count)] with { Id = added, IsTrusted = random.Next(2) == 0, FreeMemoryBytes = random.Next(100, 800) }],
            Links =
            [
                .. problem.Links,
                .. problem.Nodes.Select(n => new LinkFacts(n.Id, added, random.Next(1, 3000), 10_000_000)),
                .. problem.Nodes.Select(n => new LinkFacts(added, n.Id, random.Next(1, 3000), 10_000_000)),
            ],
        };
    });

    [Fact]
    public void Solve_NeverCostsMore_WhenMemoryGrows() => Compare((problem, random) =>
        problem with { Nodes = [.. problem.Nodes.Select(n => n with { FreeMemoryBytes = n.FreeMemoryBytes + random.Next(200) })] });

    [Fact]
    public void Solve_NeverCostsMore_WhenNodesBecomeTrusted() => Compare((problem, _) =>
        problem with { Nodes = [.. problem.Nodes.Select(n => n with { IsTrusted = true })] });

    [Fact]
    public void Solve_CostsTheSame_WhenNodesAreListedBackwards() => Compare(
        (problem, _) => problem with { Nodes = [.. problem.Nodes.Reverse()], Links = [.. problem.Links.Reverse()] },
        mustBeEqual: true);

    private static void Compare(Func<PlacementProblem, Random, PlacementProblem> change, bool mustBeEqual = false)
    {
        int compared = 0, changed = 0;
        for (int seed = 0; seed < Seeds; seed++)
        {
            PlacementProblem problem = RandomProblems.Make(seed);
            if (PlacementSolver.Solve(problem, new SolveBudget()) is not PlacementResult.Placed before)
            {
                continue;
            }

            PlacementResult result = PlacementSolver.Solve(change(problem, new Random(seed)), new SolveBudget());
            Assert.True(result is PlacementResult.Placed, $"Seed {seed}: {result}");
            long after = ((PlacementResult.Placed)result).Cost.Total;
            Assert.True(mustBeEqual ? after == before.Cost.Total : after <= before.Cost.Total, $"Seed {seed}: {before.Cost.Total} became {after}.");
            compared++;
            changed += after == before.Cost.Total ? 0 : 1;
        }

        Assert.True(compared > 80, $"Only {compared} problems were compared.");
        Assert.True(mustBeEqual || changed > 0, "No change ever mattered.");
    }
}
