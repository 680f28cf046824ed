using System.CommandLine;
using System.Text.Json;
using System.Text.Json.Nodes;
using NativeSplit.Host.Composition;
using NativeSplit.Host.Planning;
using NativeSplit.Model.Files;
using NativeSplit.Placement;
using NativeSplit.Placement.Baselines;
using NativeSplit.Placement.Certifying;
using NativeSplit.Placement.Problems;
using NativeSplit.Placement.Z3;

namespace NativeSplit.Host.Verbs;

/// <summary><c>plan</c>: the best split of a model over the nodes of a cluster file, offline.</summary>
internal static class PlanVerb
{
    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true };
    private static readonly TimeSpan ProofTime = TimeSpan.FromSeconds(5);

    private static readonly IPlacementSolver[] Methods = [new ExactSolver(), .. BaselineSolver.All];

    public static Command Create()
    {
        Option<string> cluster = new("--cluster", "-c") { Description = "YAML file: nodes, links, load. See docs/placement.md and docs/examples.", HelpName = "FILE", Required = true };
        Option<string?> model = CommonArguments.Model();
        Option<bool> explain = new("--explain") { Description = "Say what it costs, who proved it, what binds, and why SLOs are missed. Asks Z3 where it is installed." };
        Option<bool> json = CommonArguments.Json();
        Option<string?> output = CommonArguments.NotEmpty(new Option<string?>("--out", "-o") { Description = "Write the plan here, for serve --plan.", HelpName = "FILE" });
        Option<string> method = new("--method") { Description = $"How to place: {string.Join(", ", Methods.Select(m => m.Name))}.", HelpName = "NAME", DefaultValueFactory = _ => "exact" };
        Option<double> time = new("--time") { Description = "Most seconds to search.", HelpName = "S", DefaultValueFactory = _ => 10 };
        Command command = new("plan", "Find the best split of a model over the nodes of a cluster file, and the node of each part.") { cluster, model, explain, json, output, method, time };
        command.Add(PlanExplainVerb.Create());
        command.SetAction((parsed, cancellationToken) =>
        {
            double seconds = parsed.GetValue(time);
            IPlacementSolver solver = Methods.FirstOrDefault(m => m.Name == parsed.GetRequiredValue(method))
                ?? throw new UsageException($"--method '{parsed.GetRequiredValue(method)}' must be one of {string.Join(", ", Methods.Select(m => m.Name))}.");
            if (!(seconds > 0 && seconds <= 86_400))
            {
                throw new UsageException($"--time {seconds} must be more than 0 and at most 86400 seconds.");
            }

            using ModelFile file = ModelFile.Open(DefaultModel.Resolve(parsed.GetValue(model)));
            PlacementProblem problem = ClusterFile.Read(parsed.GetRequiredValue(cluster), file);
            SolveBudget budget = new() { Steps = long.MaxValue, Clock = TimeProvider.System, TimeLimit = TimeSpan.FromSeconds(seconds) };
            bool isExplained = parsed.GetValue(explain), isJson = parsed.GetValue(json);
            int code = solver.Solve(problem, budget) switch
            {
                PlacementResult.Placed placed => Show(problem, placed, isExplained, isJson, parsed.GetValue(output), cancellationToken),
                PlacementResult.OutOfTime { Best: { } best } => Show(problem, best, isExplained, isJson, parsed.GetValue(output), cancellationToken),
                PlacementResult.OutOfTime => Refuse([$"No plan was found within {seconds} s; give more with --time."], "nobody: the time ended", isJson),
                PlacementResult.NotPlaced bad => Refuse(bad.Reasons, $"the method {solver.Name}", isJson),
                PlacementResult.Infeasible none => RefuseExplained(problem, none, isJson, cancellationToken),
                var other => throw new InvalidOperationException($"{other.GetType().Name} isn't an answer."),
            };
            return Task.FromResult(code);
        });
        return command;
    }

    private static int Show(PlacementProblem problem, PlacementResult.Placed placed, bool isExplained, bool isJson, string? output, CancellationToken cancellationToken)
    {
        CertificateResult? answer = null;
        if (isExplained && placed.Evidence is not null)
        {
            answer = new Z3Certifier(TimeProvider.System).Ask(problem, placed, placed.Cost.Total - 1, ProofTime, cancellationToken);
            placed = answer is CertificateResult.Improved improved ? improved.Better : placed;
        }

        if (isJson)
        {
            Console.Out.WriteLine(PlanReport.Json(problem, placed, answer).ToJsonString(Indented));
        }
        else
        {
            IEnumerable<string> lines = PlanReport.Picture(problem, placed);
            string proof = answer is null ? "no bound: this method proves nothing" : PlanReport.Proof(answer);
            foreach (string line in isExplained ? lines.Concat(PlanReport.Explanation(problem, placed, proof)) : lines)
            {
                Console.Out.WriteLine(line);
            }
        }

        if (output is not null)
        {
            File.WriteAllText(output, PlanDocument.Format(placed.Plan) + "\n");
        }

        return ExitCode.Done;
    }

    // The solver's own reasons, unless Z3 is there and finds a conflict: that names the limits, and no fewer would do.
    private static int RefuseExplained(PlacementProblem problem, PlacementResult.Infeasible none, bool isJson, CancellationToken cancellationToken) =>
        new Z3Certifier(TimeProvider.System).Explain(problem, ProofTime, cancellationToken) is ConflictResult.Conflict conflict
            ? Refuse(conflict.Reasons, "Z3", isJson)
            : Refuse(none.Reasons, "the solver, without Z3", isJson);

    private static int Refuse(IReadOnlyList<string> reasons, string by, bool isJson)
    {
        if (isJson)
        {
            Console.Out.WriteLine(new JsonObject { ["plan"] = null, ["reasons"] = PlanReport.Strings(reasons), ["explained_by"] = by }.ToJsonString(Indented));
        }

        VerbRunner.ErrorConsole.Write(new Spectre.Console.Text($"error: no plan: {string.Join(' ', reasons)} (Explained by {by}.)\n"));
        return ExitCode.Refused;
    }
}
