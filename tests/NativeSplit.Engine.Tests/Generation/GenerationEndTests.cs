using NativeSplit.Engine.Generation;
using NativeSplit.Testing;

namespace NativeSplit.Engine.Tests.Generation;

/// <summary>Generations that end before their time: disposal, a broken path, a generator that stops.</summary>
public class GenerationEndTests
{
    private static readonly int[] Prompt = GoldenManifest.Default.Sequences["s17"];

    [Fact]
    public async Task DisposeAsync_FreesTheRoom_InMidGeneration()
    {
        await using var harness = new GeneratorHarness();
        await using var other = await harness.Generator.StartAsync(GeneratorHarness.Request(Prompt, 150), TestContext.Current.CancellationToken);
        var generation = await harness.Generator.StartAsync(GeneratorHarness.Request(Prompt, 150), TestContext.Current.CancellationToken);
        await using (var reader = generation.ReadAllAsync(TestContext.Current.CancellationToken).GetAsyncEnumerator(TestContext.Current.CancellationToken))
        {
            Assert.True(await reader.MoveNextAsync());
        }

        await generation.DisposeAsync();
        await generation.DisposeAsync();
        await other.DisposeAsync();

        Assert.Equal((0, 0), harness.Held);
        Assert.InRange(generation.Usage.CompletionTokens, 1, 149);
    }

    [Fact]
    public async Task DisposeAsync_FreesTheRoom_DuringThePrefill()
    {
        await using var harness = new GeneratorHarness(new TextGeneratorOptions { PrefillChunkRows = 1 });
        var gate = new StepGate();
        harness.Path.BeforeForward = (_, _) => gate.WaitAsync();
        var generation = await harness.Generator.StartAsync(GeneratorHarness.Request(Prompt, 50), TestContext.Current.CancellationToken);
        await gate.Reached;
        var disposal = generation.DisposeAsync().AsTask();
        Assert.False(disposal.IsCompleted);
        gate.Open();
        await disposal;

        Assert.Equal((0, 0), harness.Held);
        Assert.Equal(0, generation.Usage.CompletionTokens);
    }

    [Fact]
    public async Task ReadAllAsync_SaysStopping_WhenDisposedMeanwhile()
    {
        await using var harness = new GeneratorHarness();
        var generation = await harness.Generator.StartAsync(GeneratorHarness.Request(Prompt, 200), TestContext.Current.CancellationToken);
        await generation.DisposeAsync();

        var error = await Assert.ThrowsAsync<EngineException>(() => GeneratorHarness.ReadAsync(generation));
        Assert.Equal(EngineFault.Stopping, error.Fault);
    }

    [Fact]
    public async Task ASlowReader_HoldsUpNobody()
    {
        await using var harness = new GeneratorHarness();
        await using var unread = await harness.Generator.StartAsync(GeneratorHarness.Request(Prompt, 30), TestContext.Current.CancellationToken);
        var read = await harness.RunAsync(GeneratorHarness.Request(Prompt, 100));

        Assert.Equal(100, read.Tokens.Length);
        Assert.Equal(read.Tokens[..30], (await GeneratorHarness.ReadAsync(unread)).Tokens);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task ABrokenPath_EndsTheBatchesGenerations_AndLaterOnesRun(bool freeFails)
    {
        await using var harness = new GeneratorHarness();
        var expected = await harness.RunAsync(GeneratorHarness.Request(Prompt, 10));
        int steps = 0;
        var gate = new StepGate();
        harness.Path.BeforeForward = async (_, _) =>
        {
            await gate.WaitAsync();
            if (++steps == 8)
            {
                throw new EngineException(EngineFault.PathBroken, "Stage 2 is lost.");
            }
        };
        harness.Path.FreeFailure = freeFails ? new EngineException(EngineFault.PathBroken, "Stage 2 is lost.") : null;
        await using var first = await harness.Generator.StartAsync(GeneratorHarness.Request(Prompt, 100), TestContext.Current.CancellationToken);
        var start = harness.Generator.StartAsync(GeneratorHarness.Request(Prompt, 100), TestContext.Current.CancellationToken).AsTask();
        gate.Open();
        await using var second = await start;

        foreach (var generation in new[] { first, second })
        {
            var error = await Assert.ThrowsAsync<EngineException>(() => GeneratorHarness.ReadAsync(generation));
            Assert.Equal(EngineFault.PathBroken, error.Fault);
            Assert.Contains("Stage 2 is lost.", error.Message, StringComparison.Ordinal);
        }

        Assert.Equal((0, 0), harness.Held);
        harness.Path.FreeFailure = null;
        Assert.Equal(expected.Tokens, (await harness.RunAsync(GeneratorHarness.Request(Prompt, 10))).Tokens);
    }

    [Fact]
    public async Task AFailureOfAnotherKind_IsToldAsABrokenPath_WithItsCause()
    {
        await using var harness = new GeneratorHarness();
        var cause = new InvalidOperationException("The stage has a bug.");
        harness.Path.BeforeForward = (_, _) => throw cause;

        var error = await Assert.ThrowsAsync<EngineException>(() => harness.RunAsync(GeneratorHarness.Request(Prompt, 10)));
        Assert.Equal(EngineFault.PathBroken, error.Fault);
        Assert.Same(cause, error.InnerException);
    }

    [Fact]
    public async Task StartAsync_SaysPathBroken_WhenAStageIsLostDuringAdmission()
    {
        await using var harness = new GeneratorHarness();
        harness.Path.BeforeReserve = _ => throw new EngineException(EngineFault.PathBroken, "Stage 1 is lost.");
        var error = await Assert.ThrowsAsync<EngineException>(() => harness.RunAsync(GeneratorHarness.Request(Prompt, 10)));
        Assert.Equal(EngineFault.PathBroken, error.Fault);

        harness.Path.BeforeReserve = null;
        Assert.Equal(10, (await harness.RunAsync(GeneratorHarness.Request(Prompt, 10))).Tokens.Length);
        Assert.Equal((0, 0), harness.Held);
    }

    [Fact]
    public async Task LogitsThatAreNotNumbers_EndOneGeneration_AndNoOther()
    {
        await using var harness = new GeneratorHarness();
        var expected = await harness.RunAsync(GeneratorHarness.Request([9, 8], 30));
        harness.Path.AfterForward = (batch, hidden) =>
        {
            // Sequences are numbered from 1; number 2 is the first one after the run above.
            int row = 0;
            foreach (var rows in batch.Span)
            {
                if (rows.Sequence == new SequenceId(2))
                {
                    hidden.Span.Slice(row * harness.Shape.HiddenSize, rows.Count * harness.Shape.HiddenSize).Fill(float.NaN);
                }

                row += rows.Count;
            }
        };
        await using var bad = await harness.Generator.StartAsync(GeneratorHarness.Request(Prompt, 30), TestContext.Current.CancellationToken);
        var good = await harness.RunAsync(GeneratorHarness.Request([9, 8], 30));

        var error = await Assert.ThrowsAsync<EngineException>(() => GeneratorHarness.ReadAsync(bad));
        Assert.Equal(EngineFault.InvalidLogits, error.Fault);
        Assert.Equal(expected.Tokens, good.Tokens);
        Assert.Equal((0, 0), harness.Held);
    }

    [Fact]
    public async Task Dispose_EndsEverythingWithStopping_AndTakesNothingMore()
    {
        await using var harness = new GeneratorHarness();
        var gate = new StepGate();
        harness.Path.BeforeForward = async (_, token) => await gate.WaitAsync().AsTask().WaitAsync(token);
        var running = await harness.Generator.StartAsync(GeneratorHarness.Request(Prompt, 100), TestContext.Current.CancellationToken);
        await gate.Reached;
        var waiting = harness.Generator.StartAsync(GeneratorHarness.Request(Prompt, 100), TestContext.Current.CancellationToken).AsTask();
        await harness.Generator.DisposeAsync();
        await harness.Generator.DisposeAsync();

        Assert.Equal(EngineFault.Stopping, (await Assert.ThrowsAsync<EngineException>(() => GeneratorHarness.ReadAsync(running))).Fault);
        Assert.Equal(EngineFault.Stopping, (await Assert.ThrowsAsync<EngineException>(() => waiting)).Fault);
        Assert.Equal(EngineFault.Stopping, (await Assert.ThrowsAsync<EngineException>(() => harness.RunAsync(GeneratorHarness.Request(Prompt)))).Fault);
        await running.DisposeAsync();
        Assert.Equal((0, 0), harness.Held);
    }
}
