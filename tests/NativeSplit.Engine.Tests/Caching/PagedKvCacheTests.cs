using NativeSplit.Engine.Caching;
using NativeSplit.Engine.Execution;
using NativeSplit.Kernels;
using NativeSplit.Model;

namespace NativeSplit.Engine.Tests.Caching;

public class PagedKvCacheTests
{
    private static readonly ModelShape Shape = new()
    {
        Architecture = "llama",
        LayerCount = 4,
        HiddenSize = 8,
        HeadCount = 4,
        KeyValueHeadCount = 2,
        HeadSize = 4,
        FeedForwardSize = 16,
        VocabularySize = 10,
        ContextLength = 200,
        NormEpsilon = 1e-5f,
        Rope = new() { Layout = RopeLayout.Interleaved, Dimensions = 4, FrequencyBase = 10000 },
    };

    [Fact]
    public void Use_CountsWholePages_AsSequencesComeGrowAndGo()
    {
        using var cache = new PagedKvCache(Shape, layers: 2, capacityTokens: 97);
        Assert.Equal(new KvCacheUse(128, 0, 0), cache.Use);

        Assert.True(cache.TryReserve(new(1), 1));
        Assert.True(cache.TryReserve(new(2), 33));
        Assert.Equal(new KvCacheUse(128, 96, 2), cache.Use);

        Assert.True(cache.TryReserve(new(1), 32));
        Assert.True(cache.TryReserve(new(1), 10));
        Assert.Equal(new KvCacheUse(128, 96, 2), cache.Use);

        Assert.True(cache.TryReserve(new(1), 33));
        Assert.Equal(new KvCacheUse(128, 128, 2), cache.Use);

        cache.Free(new(2));
        cache.Free(new(2));
        cache.Free(new(99));
        Assert.Equal(new KvCacheUse(128, 64, 1), cache.Use);
        cache.Free(new(1));
        Assert.Equal(new KvCacheUse(128, 0, 0), cache.Use);
    }

    [Fact]
    public void TryReserve_ChangesNothing_WhenThereIsNoRoom()
    {
        using var cache = new PagedKvCache(Shape, layers: 1, capacityTokens: 96);
        Assert.True(cache.TryReserve(new(1), 64));
        var before = cache.Use;

        Assert.False(cache.TryReserve(new(2), 33));
        Assert.False(cache.TryReserve(new(1), 97));
        Assert.Equal(before, cache.Use);
        Assert.Null(cache.LengthOf(new(2)));
        Assert.True(cache.TryReserve(new(2), 32));
    }

    [Fact]
    public void TryReserve_SaysNo_WhenASequenceWouldPassTheContext()
    {
        using var cache = new PagedKvCache(Shape, layers: 1, capacityTokens: 1000);

        Assert.False(cache.TryReserve(new(1), 201));
        Assert.True(cache.TryReserve(new(1), 200));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(-1)]
    public void TryReserve_Refuses_WhenTheNumberIsNotPositive(int tokens)
    {
        using var cache = new PagedKvCache(Shape, layers: 1, capacityTokens: 64);
        Assert.Throws<ArgumentOutOfRangeException>(() => cache.TryReserve(new(1), tokens));
    }

    [Fact]
    public void PagesOf_SharesNoPage_WhateverComesAndGoes()
    {
        using var cache = new PagedKvCache(Shape, layers: 1, capacityTokens: 1024);
        var random = new Random(11);
        var reserved = new Dictionary<ulong, int>();
        for (int step = 0; step < 2000; step++)
        {
            ulong id = (ulong)random.Next(20);
            if (random.Next(3) == 0)
            {
                cache.Free(new(id));
                reserved.Remove(id);
            }
            else
            {
                int tokens = random.Next(1, 201);
                var had = cache.PagesOf(new(id)).ToArray();
                if (cache.TryReserve(new(id), tokens))
                {
                    reserved[id] = Math.Max(tokens, reserved.GetValueOrDefault(id));
                }

                Assert.Equal(had, cache.PagesOf(new(id))[..had.Length].ToArray());
            }

            var pages = reserved.Keys.SelectMany(key => cache.PagesOf(new(key)).ToArray()).ToList();
            Assert.Equal(pages.Count, pages.Distinct().Count());
            Assert.Equal(reserved.Values.Sum(tokens => (tokens + 31) / 32), pages.Count);
            Assert.Equal(new KvCacheUse(1024, pages.Count * 32, reserved.Count), cache.Use);
        }
    }

    [Theory]
    [InlineData(KeyValueType.F32, 4 * 4 * 32)]
    [InlineData(KeyValueType.F16, 2 * 4 * 32)]
    [InlineData(KeyValueType.Q8_0, (4 + 2) * 32)]
    public void BorrowPage_HoldsKeysThenValuesByHead_WithoutOverlap(KeyValueType type, int headBytes)
    {
        using var cache = new PagedKvCache(Shape, layers: 3, capacityTokens: 96, type);
        Assert.Equal(3 * 3 * 4 * headBytes, cache.ByteLength);
        byte stamp = 0;
        for (int layer = 0; layer < 3; layer++)
        {
            for (int page = 0; page < 3; page++)
            {
                for (int head = 0; head < 2; head++)
                {
                    cache.Keys(layer, page, head).Fill(++stamp);
                    cache.Values(layer, page, head).Fill(++stamp);
                }
            }
        }

        stamp = 0;
        for (int layer = 0; layer < 3; layer++)
        {
            for (int page = 0; page < 3; page++)
            {
                // Keys of both heads, then values of both: stamps were given as key 0, value 0, key 1, value 1.
                byte[] expected = [.. new[] { 1, 3, 2, 4 }.SelectMany(i => Enumerable.Repeat((byte)(stamp + i), headBytes))];
                Assert.Equal(expected, cache.BorrowPage(layer, page).ToArray());
                stamp += 4;
            }
        }
    }

    [Fact]
    public void Constructor_Refuses_WhenALayerWouldPassTheLargestBuffer()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => new PagedKvCache(Shape, layers: 1, capacityTokens: int.MaxValue));
        Assert.Throws<ArgumentOutOfRangeException>(() => new PagedKvCache(Shape, layers: 1, capacityTokens: 0));
    }
}
