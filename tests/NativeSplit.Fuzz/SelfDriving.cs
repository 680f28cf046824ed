namespace NativeSplit.Fuzz;

/// <summary>Runs targets on mutated inputs, without a fuzzer around it and without coverage.</summary>
public static class SelfDriving
{
    private const int HangSeconds = 60;

    /// <summary>Runs a target.</summary>
    /// <param name="target">The target.</param>
    /// <param name="corpus">Folder with one folder of inputs per target, or null.</param>
    /// <param name="runs">How many inputs.</param>
    /// <param name="seed">Seed of the changes.</param>
    /// <param name="cancellationToken">Ends it between two inputs.</param>
    /// <returns>Inputs run, those of the corpus among them.</returns>
    /// <exception cref="FindingException">A finding; the message holds the input in hexadecimal.</exception>
    public static long Run(FuzzTarget target, string? corpus, long runs, int seed, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(target);
        List<byte[]> pool = [.. target.Samples(), .. Files(target, corpus)];
        foreach (byte[] input in pool)
        {
            RunOne(target, input);
        }

        var mutator = new Mutator(seed);
        for (long i = 0; i < runs; i++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            RunOne(target, mutator.Next(pool));
        }

        return runs + pool.Count;
    }

    /// <summary>Writes the samples of all targets as the start of a corpus.</summary>
    /// <param name="corpus">Folder to write to.</param>
    public static void WriteCorpus(string corpus)
    {
        foreach (FuzzTarget target in FuzzTarget.All)
        {
            DirectoryInfo folder = Directory.CreateDirectory(Path.Combine(corpus, target.Name));
            int number = 0;
            foreach (byte[] sample in target.Samples())
            {
                File.WriteAllBytes(Path.Combine(folder.FullName, $"{number++:00}.bin"), sample);
            }
        }
    }

    private static IEnumerable<byte[]> Files(FuzzTarget target, string? corpus)
    {
        string folder = Path.Combine(corpus ?? string.Empty, target.Name);
        return corpus is null || !Directory.Exists(folder)
            ? []
            : Directory.EnumerateFiles(folder).Order(StringComparer.Ordinal).Select(File.ReadAllBytes);
    }

    private static void RunOne(FuzzTarget target, ReadOnlySpan<byte> input)
    {
        long start = Environment.TickCount64;
        try
        {
            target.Run(input);
        }
        catch (Exception e)
        {
            throw new FindingException($"{target.Name} on {Convert.ToHexString(input)}: {e}");
        }

        if (Environment.TickCount64 - start > HangSeconds * 1000L)
        {
            throw new FindingException($"{target.Name} took more than {HangSeconds} s on {Convert.ToHexString(input)}.");
        }
    }
}
