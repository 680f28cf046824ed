using System.Collections.Frozen;
using NativeSplit.Engine.Generation;
using NativeSplit.Engine.Sampling;
using NativeSplit.Model;

namespace NativeSplit.Engine.Tests.Generation;

/// <summary>Which requests are taken, and what the others are told.</summary>
public class AdmissionTests
{
    [Theory]
    [InlineData(63, null)]
    [InlineData(64, EngineFault.PromptTooLong)]
    [InlineData(65, EngineFault.PromptTooLong)]
    public async Task StartAsync_SaysPromptTooLong_WhenNoTokenFitsAfterIt(int length, EngineFault? fault)
    {
        await using var harness = new GeneratorHarness(capacity: 64);
        var request = GeneratorHarness.Request([.. Enumerable.Repeat(7, length)]);
        if (fault is null)
        {
            Assert.Single((await harness.RunAsync(request)).Tokens);
            return;
        }

        var error = await Assert.ThrowsAsync<EngineException>(() => harness.RunAsync(request));
        Assert.Equal(fault, error.Fault);
        Assert.Contains($"{length} tokens; the context holds 64", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task StartAsync_SaysNoCapacityAtOnce_WhenTheKvRoomIsTaken()
    {
        await using var harness = new GeneratorHarness(capacity: 128);
        var hold = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        harness.Path.BeforeForward = async (_, _) => await hold.Task;
        var first = harness.Generator.StartAsync(GeneratorHarness.Request([1, 2], 90), TestContext.Current.CancellationToken).AsTask();
        var second = harness.Generator.StartAsync(GeneratorHarness.Request([1, 2], 90), TestContext.Current.CancellationToken).AsTask();
        hold.SetResult();

        await using var running = await first;
        var error = await Assert.ThrowsAsync<EngineException>(() => second);
        Assert.Equal(EngineFault.NoCapacity, error.Fault);
        Assert.Equal(90, (await GeneratorHarness.ReadAsync(running)).Tokens.Length);
        Assert.Equal((0, 0), harness.Held);
        Assert.Equal(90, (await harness.RunAsync(GeneratorHarness.Request([1, 2], 90))).Tokens.Length);
    }

    [Fact]
    public async Task StartAsync_SaysNoCapacity_WhenAsManySequencesRunAsMay()
    {
        await using var harness = new GeneratorHarness(new TextGeneratorOptions { MaxSequences = 2 });
        var steps = new StepGate();
        harness.Path.BeforeForward = (_, _) => steps.WaitAsync();
        await using var first = await harness.Generator.StartAsync(GeneratorHarness.Request([1], 5), TestContext.Current.CancellationToken);
        var second = harness.Generator.StartAsync(GeneratorHarness.Request([1], 5), TestContext.Current.CancellationToken).AsTask();
        var third = harness.Generator.StartAsync(GeneratorHarness.Request([1], 5), TestContext.Current.CancellationToken).AsTask();
        steps.Open();

        await using var taken = await second;
        Assert.Equal(EngineFault.NoCapacity, (await Assert.ThrowsAsync<EngineException>(() => third)).Fault);
    }

    [Fact]
    public async Task StartAsync_TakesWaitersInOrder_WhenRoomComesFree()
    {
        await using var harness = new GeneratorHarness(new TextGeneratorOptions { MaxSequences = 1, AdmissionWait = TimeSpan.FromHours(1) });
        var steps = new StepGate();
        List<ulong> served = [];
        harness.Path.BeforeForward = (batch, _) =>
        {
            ulong sequence = batch.Span[0].Sequence.Value;
            if (!served.Contains(sequence))
            {
                served.Add(sequence);
            }

            return steps.WaitAsync();
        };
        await using var first = await harness.Generator.StartAsync(GeneratorHarness.Request([1], 5), TestContext.Current.CancellationToken);

        // Each call gets its number and its place in the queue before it waits.
        Task[] later = [.. Enumerable.Range(0, 3).Select(async _ =>
        {
            await using var generation = await harness.Generator.StartAsync(GeneratorHarness.Request([1], 5), TestContext.Current.CancellationToken);
            Assert.Equal(5, (await GeneratorHarness.ReadAsync(generation)).Tokens.Length);
        })];
        steps.Open();

        await Task.WhenAll(later);
        Assert.Equal(4, served.Count);
        Assert.Equal(served.Order(), served);
        Assert.Equal((0, 0), harness.Held);
    }

    [Fact]
    public async Task StartAsync_SaysNoCapacity_WhenAWaiterHasWaitedTooLong()
    {
        var clock = new ManualClock();
        await using var harness = new GeneratorHarness(new TextGeneratorOptions { MaxSequences = 1, AdmissionWait = TimeSpan.FromSeconds(10) }, time: clock);
        var steps = new StepGate();
        harness.Path.BeforeForward = (_, _) =>
        {
            clock.Now += TimeSpan.FromSeconds(1);
            return steps.WaitAsync();
        };
        await using var first = await harness.Generator.StartAsync(GeneratorHarness.Request([1], 40), TestContext.Current.CancellationToken);
        var late = harness.Generator.StartAsync(GeneratorHarness.Request([1], 5), TestContext.Current.CancellationToken).AsTask();
        steps.Open();

        Assert.Equal(EngineFault.NoCapacity, (await Assert.ThrowsAsync<EngineException>(() => late)).Fault);
        Assert.Equal(40, (await GeneratorHarness.ReadAsync(first)).Tokens.Length);
    }

    [Fact]
    public async Task StartAsync_LeavesNothingBehind_WhenAWaiterIsCancelled()
    {
        await using var harness = new GeneratorHarness(new TextGeneratorOptions { MaxSequences = 1, AdmissionWait = TimeSpan.FromHours(1) });
        var steps = new StepGate();
        harness.Path.BeforeForward = (_, _) => steps.WaitAsync();
        await using var first = await harness.Generator.StartAsync(GeneratorHarness.Request([1], 5), TestContext.Current.CancellationToken);
        using var cancel = new CancellationTokenSource();
        var waiter = harness.Generator.StartAsync(GeneratorHarness.Request([1], 5), cancel.Token).AsTask();
        var behind = harness.Generator.StartAsync(GeneratorHarness.Request([1], 5), TestContext.Current.CancellationToken).AsTask();
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiter);
        steps.Open();

        await using (var served = await behind)
        {
            Assert.Equal(5, (await GeneratorHarness.ReadAsync(served)).Tokens.Length);
        }

        Assert.Equal((0, 0), harness.Held);
    }

    [Fact]
    public async Task StartAsync_SaysNoCapacityAtOnce_WhenWaitingCantHelp()
    {
        await using var harness = new GeneratorHarness(new TextGeneratorOptions { AdmissionWait = TimeSpan.FromHours(1), MaxWaiting = 0, MaxSequences = 1 });
        var steps = new StepGate();
        harness.Path.BeforeForward = (_, _) => steps.WaitAsync();
        await using var first = await harness.Generator.StartAsync(GeneratorHarness.Request([1], 5), TestContext.Current.CancellationToken);
        var second = harness.Generator.StartAsync(GeneratorHarness.Request([1], 5), TestContext.Current.CancellationToken).AsTask();
        steps.Open();
        Assert.Equal(EngineFault.NoCapacity, (await Assert.ThrowsAsync<EngineException>(() => second)).Fault);
    }

    [Fact]
    public async Task DisposeAsync_RefusesWaiters()
    {
        var harness = new GeneratorHarness(new TextGeneratorOptions { MaxSequences = 1, AdmissionWait = TimeSpan.FromHours(1) });
        var steps = new StepGate();
        harness.Path.BeforeForward = (_, _) => steps.WaitAsync();
        var first = await harness.Generator.StartAsync(GeneratorHarness.Request([1], 400), TestContext.Current.CancellationToken);
        var waiter = harness.Generator.StartAsync(GeneratorHarness.Request([1], 5), TestContext.Current.CancellationToken).AsTask();
        var end = harness.DisposeAsync();
        steps.Open();
        await end;
        await first.DisposeAsync();
        Assert.Equal(EngineFault.Stopping, (await Assert.ThrowsAsync<EngineException>(() => waiter)).Fault);
    }

    public static TheoryData<GenerationRequest> Malformed => new()
    {
        new GenerationRequest { Prompt = [] },
        GeneratorHarness.Request([1, 384]),
        GeneratorHarness.Request([-1]),
        GeneratorHarness.Request([1], 0),
        GeneratorHarness.Request([1], -5),
        GeneratorHarness.Request([1]) with { Stop = [""] },
        GeneratorHarness.Request([1]) with { Sampling = new SamplingOptions { TopP = 2f } },
        GeneratorHarness.Request([1]) with { Sampling = new SamplingOptions { LogitBias = new Dictionary<TokenId, float> { [new(384)] = 1f }.ToFrozenDictionary() } },
    };

    [Theory]
    [MemberData(nameof(Malformed))]
    public async Task StartAsync_Refuses_WhenTheRequestIsMalformed(GenerationRequest request)
    {
        await using var harness = new GeneratorHarness();
        await Assert.ThrowsAnyAsync<ArgumentException>(() => harness.RunAsync(request));
        Assert.Equal((0, 0), harness.Held);
    }

    [Fact]
    public async Task StartAsync_LeavesNothingBehind_WhenCancelledDuringAdmission()
    {
        await using var harness = new GeneratorHarness();
        var reached = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var hold = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        harness.Path.BeforeReserve = async _ =>
        {
            reached.TrySetResult();
            await hold.Task;
        };
        using var cancel = new CancellationTokenSource();
        var start = harness.Generator.StartAsync(GeneratorHarness.Request([1, 2, 3], 100), cancel.Token).AsTask();
        await reached.Task;
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => start);
        hold.SetResult();

        // The next request is handled after the cancel, so by its end the room is back.
        await harness.RunAsync(GeneratorHarness.Request([1], 1));
        Assert.Equal((0, 0), harness.Held);
    }

    [Theory]
    [InlineData(0, 8, 8)]
    [InlineData(4, 0, 8)]
    [InlineData(9, 8, 8)]
    public void Options_Refuse_WhenABoundIsOutOfItsRange(int sequences, int prefill, int rows) =>
        Assert.ThrowsAny<ArgumentException>(() => new TextGeneratorOptions { MaxSequences = sequences, PrefillChunkRows = prefill, MaxBatchRows = rows }.Validate());

    private sealed class ManualClock : TimeProvider
    {
        public TimeSpan Now { get; set; }

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public override long GetTimestamp() => Now.Ticks;
    }
}
