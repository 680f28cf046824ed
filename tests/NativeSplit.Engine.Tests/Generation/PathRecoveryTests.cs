using NativeSplit.Engine.Execution;
using NativeSplit.Engine.Generation;
using NativeSplit.Engine.Sampling;
using NativeSplit.Testing;

namespace NativeSplit.Engine.Tests.Generation;

/// <summary>Running generations outlive a path that breaks: they are rebuilt and say what they would have said.</summary>
public sealed class PathRecoveryTests
{
    private static readonly int[] Prompt = GoldenManifest.Default.Sequences["s17"];

    private static readonly TextGeneratorOptions Patient =
        new() { MaxBatchRows = 32, PrefillChunkRows = 8, MaxSequences = 4, RecoveryWait = TimeSpan.FromMinutes(5) };

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(5)]
    [InlineData(23)]
    public async Task Generations_SayTheSame_WhenStagesLoseEverything(int brokenStep)
    {
        GenerationRequest[] requests =
        [
            GeneratorHarness.Request(Prompt, 40),
            GeneratorHarness.Request([5, 6, 7], 30) with { Sampling = new SamplingOptions { Temperature = 1.1f, Seed = 77, RepetitionPenalty = 1.2f } },
            GeneratorHarness.Request([9], 35) with { Sampling = new SamplingOptions { Temperature = 0.8f, TopP = 0.9f, Seed = 5 } },
        ];
        await using var calm = new GeneratorHarness();
        List<int[]> expected = [];
        foreach (GenerationRequest request in requests)
        {
            expected.Add((await calm.RunAsync(request)).Tokens);
        }

        await using var harness = new GeneratorHarness(Patient);
        int steps = 0;
        harness.Path.BeforeForward = async (batch, _) =>
        {
            if (++steps % brokenStep == 0 && steps < 60)
            {
                await LoseAsync(harness.Path, batch);
            }
        };

        if (brokenStep == 1)
        {
            // Every step breaks: that is given up, not tried for ever.
            EngineException e = await Assert.ThrowsAsync<EngineException>(() => harness.RunAsync(requests[0]));
            Assert.Equal(EngineFault.PathBroken, e.Fault);
            Assert.InRange(steps, 2, 10);
        }
        else
        {
            GeneratorHarness.Result[] results = await Task.WhenAll(requests.Select(harness.RunAsync));
            Assert.Equal(expected, results.Select(result => result.Tokens));
            Assert.True(steps > brokenStep);
        }

        Assert.Equal((0, 0), harness.Held);
    }

    [Fact]
    public async Task Generations_WaitForThePath_AndCanBeLeftMeanwhile()
    {
        await using var calm = new GeneratorHarness();
        int[] expected = (await calm.RunAsync(GeneratorHarness.Request(Prompt, 40))).Tokens;
        await using var harness = new GeneratorHarness(Patient);
        var back = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var lost = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        int steps = 0;
        harness.Path.BeforeForward = async (batch, _) =>
        {
            if (++steps == 9)
            {
                harness.Path.Ready = back.Task;
                harness.Path.BeforeReserve = _ => throw new EngineException(EngineFault.PathBroken, "Stage 2 is lost.");
                lost.SetResult();
                await LoseAsync(harness.Path, batch);
            }
        };

        // Both are taken in before the first step, so that the loss meets both.
        var posted = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        harness.Path.BeforeReserve = async _ => await posted.Task;
        Task<IGeneration> one = harness.Generator.StartAsync(GeneratorHarness.Request(Prompt, 40), Cancel).AsTask();
        Task<IGeneration> two = harness.Generator.StartAsync(GeneratorHarness.Request([4, 5], 200), Cancel).AsTask();
        posted.SetResult();
        await using IGeneration stays = await one;
        IGeneration leaves = await two;
        await lost.Task;

        // While it waits: a newcomer is told, and who leaves is let go.
        Assert.Equal(EngineFault.PathBroken, (await Assert.ThrowsAsync<EngineException>(() => harness.RunAsync(GeneratorHarness.Request([1], 2)))).Fault);
        await leaves.DisposeAsync();

        harness.Path.BeforeReserve = null;
        back.SetResult();
        Assert.Equal(expected, (await GeneratorHarness.ReadAsync(stays)).Tokens);
        Assert.Equal((0, 0), harness.Held);
    }

    [Fact]
    public async Task Generations_EndWithTheCause_WhenThePathDoesNotComeBackInTime()
    {
        await using var harness = new GeneratorHarness(Patient with { RecoveryWait = TimeSpan.FromMilliseconds(50) });
        harness.Path.BeforeForward = (batch, _) =>
        {
            harness.Path.Ready = Task.Delay(Timeout.Infinite, Cancel);
            return LoseAsync(harness.Path, batch);
        };
        EngineException e = await Assert.ThrowsAsync<EngineException>(() => harness.RunAsync(GeneratorHarness.Request(Prompt, 10)));
        Assert.Equal(EngineFault.PathBroken, e.Fault);
        Assert.Contains("Stage 2 is lost.", e.Message, StringComparison.Ordinal);
        Assert.Equal((0, 0), harness.Held);

        // The next one starts with patience of its own.
        harness.Path.BeforeForward = null;
        harness.Path.Ready = Task.CompletedTask;
        Assert.Equal(10, (await harness.RunAsync(GeneratorHarness.Request(Prompt, 10))).Tokens.Length);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task ANewcomer_WaitsForABrokenPath_AsLongAsItMay(bool isBackInTime)
    {
        await using var calm = new GeneratorHarness();
        int[] expected = (await calm.RunAsync(GeneratorHarness.Request(Prompt, 12))).Tokens;
        await using var harness = new GeneratorHarness(Patient with { AdmissionWait = isBackInTime ? TimeSpan.FromMinutes(5) : TimeSpan.FromMilliseconds(50) });
        var back = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var asked = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        harness.Path.Ready = back.Task;
        harness.Path.BeforeReserve = _ =>
        {
            asked.TrySetResult();
            throw new EngineException(EngineFault.PathBroken, "Stage 2 is lost.");
        };

        Task<GeneratorHarness.Result>[] both = [harness.RunAsync(GeneratorHarness.Request(Prompt, 12)), harness.RunAsync(GeneratorHarness.Request(Prompt, 12))];
        await asked.Task;
        if (isBackInTime)
        {
            harness.Path.BeforeReserve = null;
            back.SetResult();
            Assert.All(await Task.WhenAll(both), result => Assert.Equal(expected, result.Tokens));
        }
        else
        {
            foreach (Task<GeneratorHarness.Result> one in both)
            {
                EngineException e = await Assert.ThrowsAsync<EngineException>(() => one);
                Assert.Equal(EngineFault.PathBroken, e.Fault);
                Assert.Contains("Stage 2 is lost.", e.Message, StringComparison.Ordinal);
            }
        }

        Assert.Equal((0, 0), harness.Held);
    }

    [Fact]
    public async Task Generations_EndAtOnce_WhenTheFailureIsNotThePaths()
    {
        await using var harness = new GeneratorHarness(Patient);
        int steps = 0;
        harness.Path.BeforeForward = (_, _) => ++steps > 0 ? throw new InvalidOperationException("The stage has a bug.") : default;
        EngineException e = await Assert.ThrowsAsync<EngineException>(() => harness.RunAsync(GeneratorHarness.Request(Prompt, 10)));
        Assert.Contains("The stage has a bug.", e.Message, StringComparison.Ordinal);
        Assert.Equal(1, steps);
    }

    [Fact]
    public async Task AGeneration_EndsWithNoCapacity_WhenThePathComesBackWithLessRoom_AndOthersGoOn()
    {
        await using var harness = new GeneratorHarness(Patient, capacity: 128);
        await using var calm = new GeneratorHarness();
        int[] expected = (await calm.RunAsync(GeneratorHarness.Request([1, 2], 40))).Tokens;
        int steps = 0;
        SequenceId taker = new(999);
        harness.Path.BeforeForward = async (batch, _) =>
        {
            if (++steps == 6)
            {
                await FreeAsync(harness.Path, batch);
                Assert.True(await harness.Path.TryReserveAsync(taker, 60, Cancel));
                throw new EngineException(EngineFault.PathBroken, "Stage 2 is lost.");
            }
        };
        var hold = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        harness.Path.BeforeReserve = async _ => await hold.Task;
        Task<IGeneration> one = harness.Generator.StartAsync(GeneratorHarness.Request([1, 2], 40), Cancel).AsTask();
        Task<IGeneration> two = harness.Generator.StartAsync(GeneratorHarness.Request([3, 4], 50), Cancel).AsTask();
        hold.SetResult();
        await using IGeneration first = await one;
        await using IGeneration second = await two;

        Assert.Equal(expected, (await GeneratorHarness.ReadAsync(first)).Tokens);
        EngineException e = await Assert.ThrowsAsync<EngineException>(() => GeneratorHarness.ReadAsync(second));
        Assert.Equal(EngineFault.NoCapacity, e.Fault);
        await harness.Path.FreeAsync(taker);
    }

    private static async ValueTask LoseAsync(TestPath path, ReadOnlyMemory<SequenceRows> batch)
    {
        await FreeAsync(path, batch);
        throw new EngineException(EngineFault.PathBroken, "Stage 2 is lost.");
    }

    private static async ValueTask FreeAsync(TestPath path, ReadOnlyMemory<SequenceRows> batch)
    {
        for (int i = 0; i < batch.Length; i++)
        {
            await path.FreeAsync(batch.Span[i].Sequence);
        }
    }
}
