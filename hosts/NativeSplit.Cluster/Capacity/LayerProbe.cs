using System.Diagnostics;
using NativeSplit.Cluster.Routes;
using NativeSplit.Engine;
using NativeSplit.Engine.Execution;
using NativeSplit.Model;

namespace NativeSplit.Cluster.Capacity;

/// <summary>Measures what a layer takes here: one layer of the model, in the executor that would run it.</summary>
public static class LayerProbe
{
    private const int PromptRows = 32;
    private const int WarmUps = 3;
    private const int MostSteps = 256;

    private static readonly TimeSpan Span = TimeSpan.FromMilliseconds(60);

    /// <summary>Measures. Takes the time of loading one layer, and about 0.15 s.</summary>
    /// <param name="executors">Makes the executor.</param>
    /// <param name="shape">Shape of the model; its middle layer is measured.</param>
    /// <param name="memoryBytes">Bytes that weights and KV cache may take.</param>
    /// <returns>Mean times, after a few runs to warm up: a node that is slowed down or busy must show it.</returns>
    /// <exception cref="EngineException">The executor can't run.</exception>
    public static CapacityProfile Measure(ExecutorFactory executors, ModelShape shape, long memoryBytes)
    {
        ArgumentNullException.ThrowIfNull(executors);
        ArgumentNullException.ThrowIfNull(shape);
        int layer = shape.LayerCount / 2;
        int prompt = Math.Min(PromptRows, shape.ContextLength);
        int room = Math.Min(MostSteps, shape.ContextLength);
        using ILayerExecutor executor = executors(new LayerRange(layer, layer + 1), room, prompt);
        float[] hidden = new float[prompt * shape.HiddenSize];
        return new CapacityProfile
        {
            Backend = executor.Backend,
            Processors = Environment.ProcessorCount,
            MemoryBytes = memoryBytes,
            PrefillNanosecondsPerRow = Math.Max(1, MeasurePrompts(executor, hidden, prompt) / prompt),
            DecodeNanosecondsPerStep = Math.Max(1, MeasureSteps(executor, hidden.AsSpan(0, shape.HiddenSize), room)),
        };
    }

    private static long MeasurePrompts(ILayerExecutor executor, float[] hidden, int prompt)
    {
        long start = 0;
        for (int run = 0; ; run++)
        {
            if (run == WarmUps)
            {
                start = Stopwatch.GetTimestamp();
            }
            else if (run > WarmUps && Stopwatch.GetElapsedTime(start) is var elapsed && elapsed >= Span)
            {
                return (long)elapsed.TotalNanoseconds / (run - WarmUps);
            }

            var sequence = new SequenceId((ulong)run + 1);
            Reserve(executor, sequence, prompt);
            executor.Forward([new SequenceRows(sequence, 0, prompt)], Fill(hidden));
            executor.Free(sequence);
        }
    }

    private static long MeasureSteps(ILayerExecutor executor, Span<float> row, int room)
    {
        var sequence = new SequenceId(ulong.MaxValue);
        int warmUps = Math.Min(WarmUps, room - 1);
        long start = 0;
        int timed = 0;
        while (true)
        {
            Reserve(executor, sequence, room);
            for (int position = 0; position < room; position++)
            {
                if (position == warmUps && start == 0)
                {
                    start = Stopwatch.GetTimestamp();
                }

                executor.Forward([new SequenceRows(sequence, position, 1)], Fill(row));
                timed += start == 0 ? 0 : 1;
                if (timed > 0 && Stopwatch.GetElapsedTime(start) is var elapsed && elapsed >= Span)
                {
                    return (long)elapsed.TotalNanoseconds / timed;
                }
            }

            executor.Free(sequence);
        }
    }

    private static void Reserve(ILayerExecutor executor, SequenceId sequence, int room)
    {
        if (!executor.TryReserve(sequence, room))
        {
            throw new EngineException(EngineFault.NoCapacity, $"A cache that was just made for {room} positions has no room for them.");
        }
    }

    // Rows as unlike zero as real ones: zeros and subnormals would take another time.
    private static Span<float> Fill(Span<float> hidden)
    {
        for (int i = 0; i < hidden.Length; i++)
        {
            hidden[i] = ((i * 7919) % 1009 / 504.5f) - 1f;
        }

        return hidden;
    }
}
