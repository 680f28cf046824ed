using NativeSplit.Engine;
using NativeSplit.Engine.Execution;

namespace NativeSplit.Worker.Tests;

/// <summary>What a token costs in managed memory, over gateway, two workers and three sealed hops, all in this process.</summary>
[Collection("Alone")]
public sealed class AllocationTests
{
    private const int Warmup = 60;
    private const int Steps = 60;

    /// <summary>
    /// A step wakes threads of the pool four times: when rows reach each of three nodes, and when the gateway's step goes on. What the
    /// pool allocates for a wake-up is out of our hands, and small; a buffer, a frame or a state machine would not be.
    /// </summary>
    private const int PoolBytesPerStep = 4 * 100;

    [Fact]
    public async Task Step_AllocatesNothingOfOurs_InSteadyState()
    {
        CancellationToken cancel = TestContext.Current.CancellationToken;
        await using InProcessCluster cluster = await InProcessCluster.StartAsync(InProcessCluster.PlanOf((1, "gateway"), (4, "worker-1"), (7, "worker-2"), (8, "gateway")));
        var batch = new SequenceRows[1];
        float[] hidden = new float[cluster.Shape.HiddenSize];
        long best = long.MaxValue;

        // The runtime refills its pools now and then; the best of a few rounds is what the code itself needs.
        for (uint round = 0; round < 5 && best > PoolBytesPerStep * Steps; round++)
        {
            var sequence = new SequenceId(round + 1);
            Assert.True(await cluster.Driver.Path.TryReserveAsync(sequence, Warmup + Steps, cancel));
            await StepAsync(0, Warmup);
            long before = GC.GetTotalAllocatedBytes(precise: true);
            await StepAsync(Warmup, Steps);
            best = Math.Min(best, GC.GetTotalAllocatedBytes(precise: true) - before);
            await cluster.Driver.Path.FreeAsync(sequence);

            async Task StepAsync(int first, int count)
            {
                for (int i = 0; i < count; i++)
                {
                    batch[0] = new SequenceRows(sequence, first + i, 1);
                    await cluster.Driver.Path.ForwardAsync(batch, hidden, cancel);
                }
            }
        }

        TestContext.Current.TestOutputHelper!.WriteLine($"{best / (double)Steps:0} bytes per step");
        Assert.InRange(best / Steps, 0, PoolBytesPerStep);
    }
}

/// <summary>Tests that count what the whole process allocates: nothing else may run.</summary>
[CollectionDefinition("Alone", DisableParallelization = true)]
public sealed class AloneCollection;
