using System.Diagnostics;
using System.Globalization;
using NativeSplit.Fuzz;
using SharpFuzz;

// NativeSplit.Fuzz TARGET                                    under libFuzzer (libfuzzer-dotnet), after `sharpfuzz` has instrumented the assemblies
// NativeSplit.Fuzz TARGET --afl                              under afl-fuzz
// NativeSplit.Fuzz --runs N [--seed S] [TARGET …]            by itself: N inputs in all, mutated from samples and corpus, no coverage
// NativeSplit.Fuzz --write-corpus FOLDER                     the samples as files
string corpus = Path.Combine(AppContext.BaseDirectory, "Corpus");
switch (args)
{
    case ["--write-corpus", string folder]:
        SelfDriving.WriteCorpus(folder);
        return 0;
    case ["--runs", string runs, "--seed", string seed, .. string[] names]:
        return RunAlone(long.Parse(runs, CultureInfo.InvariantCulture), int.Parse(seed, CultureInfo.InvariantCulture), names);
    case ["--runs", string runs, .. string[] names]:
        return RunAlone(long.Parse(runs, CultureInfo.InvariantCulture), Environment.TickCount, names);
    case [string name, "--afl"]:
        FuzzTarget forAfl = Find(name);
        Fuzzer.OutOfProcess.Run(stream =>
        {
            using var input = new MemoryStream();
            stream.CopyTo(input);
            forAfl.Run(input.ToArray());
        });
        return 0;
    case [string name]:
        FuzzTarget target = Find(name);
        Fuzzer.LibFuzzer.Run(input => target.Run(input));
        return 0;
    default:
        Console.Error.WriteLine($"Give a target ({string.Join(", ", FuzzTarget.All.Select(known => known.Name))}), --runs N [--seed S] [TARGET …], or --write-corpus FOLDER.");
        return 2;
}

int RunAlone(long runs, int seed, string[] names)
{
    IReadOnlyList<FuzzTarget> targets = names.Length == 0 ? FuzzTarget.All : [.. names.Select(Find)];
    Console.WriteLine($"seed {seed}");
    long done = 0;
    foreach (FuzzTarget chosen in targets)
    {
        var clock = Stopwatch.StartNew();
        long here = SelfDriving.Run(chosen, corpus, (runs + targets.Count - 1) / targets.Count, seed, CancellationToken.None);
        Console.WriteLine($"{chosen.Name}: {here} runs in {clock.Elapsed.TotalSeconds:0.0} s, no finding");
        done += here;
    }

    Console.WriteLine($"{done} runs, no finding");
    return 0;
}

static FuzzTarget Find(string name) => FuzzTarget.All.FirstOrDefault(target => target.Name == name)
    ?? throw new ArgumentException($"'{name}' is none of {string.Join(", ", FuzzTarget.All.Select(target => target.Name))}.");
