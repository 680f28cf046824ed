using NativeSplit.Fuzz;
using NativeSplit.Testing;

namespace NativeSplit.Cluster.Tests;

/// <summary>A short run of the fuzz harness over every reader of bytes from strangers; long ones are started by hand.</summary>
public sealed class FuzzTests
{
    private const int Runs = 30_000;

    private static readonly string Corpus = Path.Combine(TestData.RepositoryRoot, "tests", "NativeSplit.Fuzz", "Corpus");

    public static TheoryData<string> Targets() => [.. FuzzTarget.All.Select(target => target.Name)];

    [Theory(Timeout = 120_000)]
    [MemberData(nameof(Targets))]
    public async Task Reader_RefusesOrTakes_WhateverComes(string name)
    {
        FuzzTarget target = FuzzTarget.All.Single(target => target.Name == name);
        int seed = Environment.TickCount;
        TestContext.Current.TestOutputHelper?.WriteLine($"seed {seed}");
        long runs = await Task.Run(() => SelfDriving.Run(target, Corpus, Runs, seed, TestContext.Current.CancellationToken), TestContext.Current.CancellationToken);
        Assert.True(runs > Runs);
    }

    [Fact]
    public void Corpus_HoldsInputsForEveryReader_AndNoneIsAFinding()
    {
        foreach (FuzzTarget target in FuzzTarget.All)
        {
            string[] files = Directory.GetFiles(Path.Combine(Corpus, target.Name));
            Assert.NotEmpty(files);
            Assert.Equal(files.Length, SelfDriving.Run(target, Corpus, 0, 0, TestContext.Current.CancellationToken) - target.Samples().Count);
        }
    }

    [Fact]
    public void Run_SaysWhichInput_WhenAReaderFails()
    {
        var target = new FuzzTarget("bad", input => Assert.NotEqual(0xFF, input.Length > 2 ? input[1] : 0), () => [[1, 2, 3]]);
        FindingException e = Assert.Throws<FindingException>(() => SelfDriving.Run(target, null, 1_000_000, 7, TestContext.Current.CancellationToken));
        Assert.Matches("^bad on [0-9A-F]{2}FF", e.Message);
    }
}
