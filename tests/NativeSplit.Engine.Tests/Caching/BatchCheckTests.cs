using NativeSplit.Engine.Caching;
using NativeSplit.Engine.Execution;
using NativeSplit.Model;

namespace NativeSplit.Engine.Tests.Caching;

/// <summary>Batches that must be turned away before anything changes.</summary>
public class BatchCheckTests : IDisposable
{
    private readonly PagedKvCache _cache = new(
        new()
        {
            Architecture = "llama",
            LayerCount = 1,
            HiddenSize = 4,
            HeadCount = 1,
            KeyValueHeadCount = 1,
            HeadSize = 4,
            FeedForwardSize = 4,
            VocabularySize = 4,
            ContextLength = 128,
            NormEpsilon = 1e-5f,
            Rope = new() { Layout = RopeLayout.Interleaved, Dimensions = 4, FrequencyBase = 10000 },
        },
        layers: 1,
        capacityTokens: 256);

    [Fact]
    public void Check_SaysOutOfOrder_WhenThereIsNoReservation() => AssertOutOfOrder("no reservation", new SequenceRows(new(1), 0, 1));

    [Fact]
    public void Check_SaysOutOfOrder_WhenThePositionIsNotTheNext()
    {
        _cache.TryReserve(new(1), 20);
        _cache.Advance([new(new(1), 0, 5)]);

        AssertOutOfOrder("position 0; 5 positions are cached", new SequenceRows(new(1), 0, 1));
        AssertOutOfOrder("position 6; 5 positions are cached", new SequenceRows(new(1), 6, 1));
        _cache.Check([new(new(1), 5, 1)]);
    }

    [Fact]
    public void Check_SaysOutOfOrder_WhenRowsPassTheReservation()
    {
        // 20 are reserved, although the page would hold 32.
        _cache.TryReserve(new(1), 20);

        AssertOutOfOrder("20 positions are reserved", new SequenceRows(new(1), 0, 21));
        AssertOutOfOrder("20 positions are reserved", new SequenceRows(new(1), 0, int.MaxValue));
        _cache.Check([new(new(1), 0, 20)]);
    }

    [Fact]
    public void Check_SaysOutOfOrder_WhenTheSequenceWasFreed()
    {
        _cache.TryReserve(new(1), 20);
        _cache.Advance([new(new(1), 0, 5)]);
        _cache.Free(new(1));
        AssertOutOfOrder("no reservation", new SequenceRows(new(1), 5, 1));

        _cache.TryReserve(new(1), 20);
        _cache.Check([new(new(1), 0, 1)]);
    }

    [Fact]
    public void Check_Refuses_WhenASequenceIsThereTwiceOrWithoutRows()
    {
        _cache.TryReserve(new(1), 20);
        _cache.TryReserve(new(2), 20);

        Assert.Throws<ArgumentException>(() => _cache.Check([new(new(1), 0, 1), new(new(2), 0, 1), new(new(1), 0, 1)]));
        Assert.Throws<ArgumentException>(() => _cache.Check([new(new(1), 0, 0)]));
        Assert.Throws<ArgumentException>(() => _cache.Check([new(new(1), 0, -1)]));
        _cache.Check([new(new(1), 0, 1), new(new(2), 0, 1)]);
        _cache.Check([new(new(1), 0, 1), new(new(2), 0, 1)]);
    }

    public void Dispose()
    {
        _cache.Dispose();
        GC.SuppressFinalize(this);
    }

    private void AssertOutOfOrder(string part, SequenceRows rows)
    {
        var error = Assert.Throws<EngineException>(() => _cache.Check([rows]));
        Assert.Equal(EngineFault.OutOfOrder, error.Fault);
        Assert.Contains(part, error.Message, StringComparison.Ordinal);
    }
}
