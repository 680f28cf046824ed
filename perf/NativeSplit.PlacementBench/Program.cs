using System.CommandLine;
using NativeSplit.PlacementBench;

Option<int?> seeds = new("--seeds") { Description = "Instances per row. Default: as in the published table." };
Option<int?> row = new("--row") { Description = "Only this row, from 0." };
Option<bool> withoutZ3 = new("--no-z3") { Description = "Don't ask Z3." };
Option<bool> threadTime = new("--thread-time") { Description = "Time and limit by the processor time of the thread, which other work on the machine doesn't count in (Linux)." };
Command decide = new("decide", "Time first placements and keep-or-change decisions on generated clusters; prints a table.") { seeds, row, withoutZ3, threadTime };
decide.SetAction(parsed => DecisionBench.Run(
    parsed.GetValue(row) is { } only ? [BenchRow.Published[only]] : BenchRow.Published, parsed.GetValue(seeds), !parsed.GetValue(withoutZ3),
    parsed.GetValue(threadTime) ? new ThreadClock() : TimeProvider.System, Console.Out));

Option<int> count = new("--count") { Description = "Problems.", DefaultValueFactory = _ => 10_000 };
Command exact = new("exact", "Compare the solver with brute force on small random problems.") { count };
exact.SetAction(parsed => ExactnessRun.Run(parsed.GetValue(count), Console.Out) == 0 ? 0 : 1);

return await new RootCommand("Measures the placement solver.") { decide, exact }.Parse(args).InvokeAsync();
