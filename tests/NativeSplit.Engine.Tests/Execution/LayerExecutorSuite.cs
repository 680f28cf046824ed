using NativeSplit.Engine.Execution;
using NativeSplit.Testing;

namespace NativeSplit.Engine.Tests.Execution;

/// <summary>What every <see cref="ILayerExecutor"/> promises. Derive per implementation.</summary>
public abstract class LayerExecutorSuite
{
    /// <summary>Makes an executor for all layers of a golden model.</summary>
    /// <param name="model">Path of the model.</param>
    /// <param name="capacityTokens">Positions of the KV cache.</param>
    private protected abstract IDisposable Create(string model, int capacityTokens, out ILayerExecutor executor);

    // Interleaved pairs; halves with a norm per head.
    public static TheoryData<string> Models => ["llama-untied-f32", "qwen3-f32"];

    [Fact]
    public void KvCacheUse_ComesBackToZero_AsSequencesComeAndGo()
    {
        using var owner = Create(PathOf("llama-untied-f32"), 128, out var executor);
        Assert.Equal(new KvCacheUse(128, 0, 0), executor.KvCacheUse);
        Assert.True(executor.TryReserve(new(1), 40));
        Assert.True(executor.TryReserve(new(2), 10));
        Assert.False(executor.TryReserve(new(3), 100));
        Assert.Equal(2, executor.KvCacheUse.Sequences);
        Assert.InRange(executor.KvCacheUse.ReservedTokens, 50, 128);
        executor.Forward([new(new(1), 0, 3)], Rows(executor, 3, seed: 1));
        executor.Free(new(1));
        executor.Free(new(1));
        executor.Free(new(2));
        executor.Free(new(77));
        Assert.Equal(new KvCacheUse(128, 0, 0), executor.KvCacheUse);
    }

    [Fact]
    public void Forward_ChangesNothing_WhenTheBatchIsBad()
    {
        using var owner = Create(PathOf("llama-untied-f32"), 256, out var executor);
        SequenceId a = new(1);
        SequenceId b = new(2);
        Assert.True(executor.TryReserve(a, 8));
        Assert.True(executor.TryReserve(b, 8));
        executor.Forward([new(a, 0, 4)], Rows(executor, 4, seed: 1));

        AssertRefused<EngineException>(executor, 2, new(b, 0, 1), new(a, 3, 1));
        AssertRefused<EngineException>(executor, 2, new(b, 0, 1), new(a, 5, 1));
        AssertRefused<EngineException>(executor, 6, new(b, 0, 1), new(a, 4, 5));
        AssertRefused<EngineException>(executor, 2, new(b, 0, 1), new(new(3), 0, 1));
        AssertRefused<ArgumentException>(executor, 3, new(b, 0, 1), new(a, 4, 1), new(b, 1, 1));
        AssertRefused<ArgumentException>(executor, 1, new(b, 0, 1), new(a, 4, 0));
        AssertRefused<ArgumentException>(executor, 3, new(b, 0, 1), new(a, 4, 1));
        AssertRefused<ArgumentException>(executor, 1, new(b, 0, 1), new(a, 4, 1));

        // Both go on as if nothing had been.
        float[] both = [.. Rows(executor, 1, seed: 2), .. Rows(executor, 1, seed: 3)];
        executor.Forward([new(b, 0, 1), new(a, 4, 1)], both);
        using var other = Create(PathOf("llama-untied-f32"), 256, out var fresh);
        fresh.TryReserve(a, 8);
        fresh.Forward([new(a, 0, 4)], Rows(fresh, 4, seed: 1));
        float[] expected = Rows(fresh, 1, seed: 3);
        fresh.Forward([new(a, 4, 1)], expected);
        Assert.Equal(expected, both[executor.Shape.HiddenSize..]);
    }

    [Fact]
    public void Forward_DoesNothing_WhenTheBatchIsEmpty()
    {
        using var owner = Create(PathOf("llama-untied-f32"), 64, out var executor);
        executor.Forward([], []);
        Assert.Equal(new KvCacheUse(64, 0, 0), executor.KvCacheUse);
    }

    [Theory]
    [MemberData(nameof(Models))]
    public void Forward_GivesTheSameBits_HoweverThePrefillIsCut(string model)
    {
        using var owner = Create(PathOf(model), 256, out var executor);
        float[] expected = Run(executor, new(1), Rows(executor, 70, seed: 4), piece: 70);
        foreach (int piece in new[] { 1, 31, 32, 33 })
        {
            Assert.Equal(expected, Run(executor, new(2), Rows(executor, 70, seed: 4), piece));
        }
    }

    [Theory]
    [MemberData(nameof(Models))]
    public void Forward_GivesTheSameBits_WhateverElseIsInTheBatch(string model)
    {
        using var owner = Create(PathOf(model), 512, out var executor);
        int width = executor.Shape.HiddenSize;
        float[][] rows = [.. Enumerable.Range(0, 4).Select(i => Rows(executor, 40, seed: 10 + i))];
        float[][] alone = [.. rows.Select(r => Run(executor, new(1), r.ToArray(), piece: 40))];
        float[][] mixed = [.. rows.Select(r => new float[r.Length])];

        // Sequences join at different steps with pieces of different sizes, in an order that changes.
        var random = new Random(20);
        int[] done = new int[4];
        Assert.All(Enumerable.Range(0, 4), i => Assert.True(executor.TryReserve(new((ulong)(100 + i)), 40)));
        while (done.Any(position => position < 40))
        {
            int[] chosen = [.. Enumerable.Range(0, 4).Where(i => done[i] < 40 && random.Next(2) == 0)];
            random.Shuffle(chosen);
            int[] counts = [.. chosen.Select(i => Math.Min(random.Next(1, 12), 40 - done[i]))];
            SequenceRows[] batch = [.. chosen.Select((sequence, i) => new SequenceRows(new((ulong)(100 + sequence)), done[sequence], counts[i]))];
            float[] hidden = [.. chosen.SelectMany((sequence, i) => rows[sequence].AsSpan(done[sequence] * width, counts[i] * width).ToArray())];
            executor.Forward(batch, hidden);
            int offset = 0;
            for (int i = 0; i < chosen.Length; i++)
            {
                hidden.AsSpan(offset, counts[i] * width).CopyTo(mixed[chosen[i]].AsSpan(done[chosen[i]] * width));
                offset += counts[i] * width;
                done[chosen[i]] += counts[i];
            }
        }

        Assert.All(Enumerable.Range(0, 4), i => Assert.Equal(alone[i], mixed[i]));
    }

    [Fact]
    public void Forward_GivesTheSameBits_OnPagesThatOthersHaveUsed()
    {
        using var owner = Create(PathOf("qwen3-f32"), 128, out var executor);
        float[] expected = Run(executor, new(1), Rows(executor, 50, seed: 5), piece: 50);
        for (ulong other = 2; other < 4; other++)
        {
            Run(executor, new(other), Rows(executor, 100, seed: (int)other), piece: 100);
            Assert.True(executor.TryReserve(new(50), 20));
            Assert.Equal(expected, Run(executor, new(1), Rows(executor, 50, seed: 5), piece: 13));
            executor.Free(new(50));
        }
    }

    [Fact]
    public void Forward_ReachesTheLastPositionReserved_WhenTheCacheIsFull()
    {
        using var owner = Create(PathOf("llama-untied-f32"), 64, out var executor);
        float[] rows = Run(executor, new(1), Rows(executor, 64, seed: 6), piece: 64);
        Assert.All(rows, value => Assert.True(float.IsFinite(value)));
    }

    [Fact]
    public void Forward_Refuses_WhenDisposed()
    {
        using var owner = Create(PathOf("llama-untied-f32"), 64, out var executor);
        executor.TryReserve(new(1), 1);
        executor.Dispose();
        executor.Dispose();
        Assert.Throws<ObjectDisposedException>(() => executor.Forward([new(new(1), 0, 1)], new float[executor.Shape.HiddenSize]));
        Assert.Throws<ObjectDisposedException>(() => executor.TryReserve(new(1), 1));
    }

    private static string PathOf(string model) => GoldenManifest.Default.Model(model).Path;

    private static float[] Run(ILayerExecutor executor, SequenceId sequence, float[] hidden, int piece)
    {
        int width = executor.Shape.HiddenSize;
        int rows = hidden.Length / width;
        Assert.True(executor.TryReserve(sequence, rows));
        for (int position = 0; position < rows; position += piece)
        {
            int count = Math.Min(piece, rows - position);
            executor.Forward([new(sequence, position, count)], hidden.AsSpan(position * width, count * width));
        }

        executor.Free(sequence);
        return hidden;
    }

    private static void AssertRefused<T>(ILayerExecutor executor, int rows, params SequenceRows[] batch)
        where T : Exception
    {
        float[] hidden = Rows(executor, rows, seed: 9);
        float[] before = [.. hidden];
        var use = executor.KvCacheUse;
        var error = Assert.ThrowsAny<T>(() => executor.Forward(batch, hidden));
        Assert.True(error is not EngineException { Fault: not EngineFault.OutOfOrder });
        Assert.Equal(before, hidden);
        Assert.Equal(use, executor.KvCacheUse);
    }

    private static float[] Rows(ILayerExecutor executor, int count, int seed)
    {
        var random = new Random(seed);
        float[] rows = new float[count * executor.Shape.HiddenSize];
        foreach (ref float value in rows.AsSpan())
        {
            value = (random.NextSingle() - 0.5f) * 2f;
        }

        return rows;
    }
}
