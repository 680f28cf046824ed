using NativeSplit.Engine;
using NativeSplit.Engine.Execution;
using NativeSplit.Engine.Generation;
using NativeSplit.Engine.Sampling;
using NativeSplit.Model;
using NativeSplit.Placement;

namespace NativeSplit.Worker.Tests;

/// <summary>The plan changes while streams run: they go on, with the tokens that they would have had.</summary>
public sealed class LivePlanTests
{
    private const int Tokens = 23;

    private static readonly int[] Prompt = [0, 327, 61, 682, 534, 61, 770, 260, 704];
    private static readonly Plan TwoWorkers = InProcessCluster.PlanOf((1, "gateway"), (4, "worker-1"), (8, "worker-2"));
    private static readonly Plan WithoutSecond = InProcessCluster.PlanOf((3, "gateway"), (8, "worker-1"));
    private static readonly Plan Reversed = InProcessCluster.PlanOf((5, "worker-2"), (7, "worker-1"), (8, "gateway"));

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Streams_GoOn_WhenAnotherPlanIsProposed()
    {
        await using InProcessCluster cluster = await InProcessCluster.StartAsync(TwoWorkers);
        await ExpectSameAsync(cluster, async step =>
        {
            if (step is 6 or 14)
            {
                Plan next = step == 6 ? Reversed : WithoutSecond;
                await cluster.Driver.Propose([next]).WaitAsync(Cancel);
                Assert.Equal(next.Segments, cluster.Driver.Current!.Segments);
            }
        });

        Assert.Equal(new PlanEpoch(3), cluster.Driver.Current!.Epoch);
    }

    [Fact]
    public async Task Streams_GoOnWithoutALostWorker_AndWithItOnceItIsBack()
    {
        await using InProcessCluster cluster = await InProcessCluster.StartAsync(TwoWorkers, startWorkers: false, lessPreferred: WithoutSecond);
        cluster.StartWorker(new NodeId("worker-1"));
        await cluster.Driver.InForce.WaitAsync(Cancel);
        Assert.Equal(WithoutSecond.Segments, cluster.Driver.Current!.Segments);
        WorkerNode second = cluster.StartWorker(new NodeId("worker-2"));
        await UntilAsync(() => cluster.Driver.Current?.Segments.SequenceEqual(TwoWorkers.Segments) == true);

        await ExpectSameAsync(cluster, async step =>
        {
            if (step == 5)
            {
                await second.DisposeAsync();
            }
            else if (step == 15)
            {
                Assert.Equal(WithoutSecond.Segments, cluster.Driver.Current!.Segments);
                cluster.StartWorker(new NodeId("worker-2"));
                await UntilAsync(() => cluster.Driver.Current?.Segments.SequenceEqual(TwoWorkers.Segments) == true);
            }
        });
    }

    [Fact]
    public async Task TheOldPlanServes_WhenTheNewOneIsRefused()
    {
        await using InProcessCluster cluster = await InProcessCluster.StartAsync(TwoWorkers, startWorkers: false);
        int made = 0;
        var asked = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        cluster.StartWorker(new NodeId("worker-1"));
        cluster.StartWorker(new NodeId("worker-2"), (layers, kvTokens, maxRows) =>
        {
            if (++made == 1)
            {
                return cluster.CreateExecutor(layers, kvTokens, maxRows);
            }

            asked.TrySetResult();
            throw new InvalidOperationException("No memory for a second stage.");
        });
        await cluster.Driver.InForce.WaitAsync(Cancel);

        await ExpectSameAsync(cluster, async step =>
        {
            if (step == 8)
            {
                _ = cluster.Driver.Propose([Reversed]);
                await asked.Task.WaitAsync(Cancel);
            }
        });
        Assert.Equal(TwoWorkers.Segments, cluster.Driver.Current!.Segments);
        Assert.Equal(new PlanEpoch(1), cluster.Driver.Current.Epoch);
    }

    /// <summary>Runs three streams over the cluster's path, with something happening between two steps; compares with an undisturbed run in one executor.</summary>
    private static async Task ExpectSameAsync(InProcessCluster cluster, Func<int, Task> between)
    {
        await using LocalLayerPath local = cluster.CreateLocalPath();
        int[][] expected = await RunAsync(cluster, local);
        int[][] actual = await RunAsync(cluster, new StepPath(cluster.Driver.Path, between));
        Assert.Equal(expected, actual);
    }

    private static async Task<int[][]> RunAsync(InProcessCluster cluster, ILayerPath path)
    {
        var options = new TextGeneratorOptions { RecoveryWait = TimeSpan.FromMinutes(2), MaxBatchRows = 64, PrefillChunkRows = 16 };
        await using var generator = new TextGenerator(path, cluster.Embedding, cluster.Head, cluster.Model.LoadTokenizer(), TimeProvider.System, options);
        return await Task.WhenAll(Enumerable.Range(0, 3).Select(async number =>
        {
            var request = new GenerationRequest
            {
                Prompt = [.. Prompt.Take(9 - number).Select(id => new TokenId(id))],
                MaxTokens = Tokens,
                IgnoreEndOfGeneration = true,
                Sampling = new SamplingOptions { Temperature = number == 0 ? 0f : 1f, Seed = (ulong)number },
            };
            List<int> tokens = [];
            await using IGeneration generation = await generator.StartAsync(request, Cancel);
            await foreach (GenerationChunk chunk in generation.ReadAllAsync(Cancel))
            {
                tokens.Add(chunk.Token.Value);
            }

            Assert.Equal(Tokens, tokens.Count);
            return tokens.ToArray();
        }));
    }

    private static async Task UntilAsync(Func<bool> condition)
    {
        using var bound = CancellationTokenSource.CreateLinkedTokenSource(Cancel);
        bound.CancelAfter(TimeSpan.FromMinutes(2));
        while (!condition())
        {
            await Task.Delay(1, bound.Token);
        }
    }

    /// <summary>Another path, with something that happens before each of its steps. Doesn't own the path.</summary>
    private sealed class StepPath(ILayerPath inner, Func<int, Task> before) : ILayerPath
    {
        private int _steps;

        public int ContextLength => inner.ContextLength;

        public Task WaitUntilReadyAsync(CancellationToken cancellationToken) => inner.WaitUntilReadyAsync(cancellationToken);

        public ValueTask<bool> TryReserveAsync(SequenceId sequence, int tokens, CancellationToken cancellationToken) => inner.TryReserveAsync(sequence, tokens, cancellationToken);

        public ValueTask FreeAsync(SequenceId sequence) => inner.FreeAsync(sequence);

        public async ValueTask ForwardAsync(ReadOnlyMemory<SequenceRows> batch, Memory<float> hidden, CancellationToken cancellationToken)
        {
            await before(++_steps);
            await inner.ForwardAsync(batch, hidden, cancellationToken);
        }

        public ValueTask DisposeAsync() => default;
    }
}
