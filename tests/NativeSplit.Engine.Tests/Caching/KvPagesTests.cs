using NativeSplit.Engine.Caching;
using NativeSplit.Engine.Execution;
using NativeSplit.Kernels;
using NativeSplit.Testing;

namespace NativeSplit.Engine.Tests.Caching;

/// <summary>A sequence whose pages are moved to another executor goes on there, bit for bit, and takes nothing of other sequences along.</summary>
public sealed class KvPagesTests
{
    private const int Page = PagedKvCache.PagePositions;
    private static readonly SequenceId Moved = new(7);

    [Theory]
    [InlineData("llama-untied-f32", KeyValueType.F32, 1)]
    [InlineData("llama-untied-f32", KeyValueType.F32, Page)]
    [InlineData("llama-untied-f32", KeyValueType.F16, (2 * Page) + 5)]
    [InlineData("qwen3-f32", KeyValueType.Q8_0, Page - 1)]
    [InlineData("gemma2-f32", KeyValueType.F32, Page + 1)]
    public void Forward_GoesOnTheSame_OnAnExecutorThatImportedThePages(string name, KeyValueType type, int length)
    {
        string path = GoldenManifest.Default.Model(name).Path;
        using var from = new LoadedModel(path, KernelSets.Fastest, kvType: type);
        using var to = new LoadedModel(path, KernelSets.Fastest, kvType: type);
        (ILayerExecutor source, ILayerExecutor target) = (from.Executors[0], to.Executors[0]);

        // The pages of both executors were others' before.
        Dirty(source);
        Dirty(target);
        Assert.True(source.TryReserve(Moved, length + 3));
        Assert.True(target.TryReserve(new(1), 5));
        Assert.True(target.TryReserve(Moved, length + 3));
        source.Forward([new(Moved, 0, length)], Rows(source, length, seed: 1));
        Move(source, target, length);
        for (int step = 0; step < 3; step++)
        {
            float[] expected = Rows(source, 1, seed: 20 + step);
            float[] actual = [.. expected];
            source.Forward([new(Moved, length + step, 1)], expected);
            target.Forward([new(Moved, length + step, 1)], actual);
            Assert.Equal(expected, actual);
        }
    }

    [Theory]
    [InlineData(KeyValueType.F32)]
    [InlineData(KeyValueType.F16)]
    [InlineData(KeyValueType.Q8_0)]
    public void Export_LeavesOutWhatOtherSequencesLeftInThePage(KeyValueType type)
    {
        string path = GoldenManifest.Default.Model("llama-untied-f32").Path;
        using var dirty = new LoadedModel(path, KernelSets.Fastest, kvType: type);
        using var clean = new LoadedModel(path, KernelSets.Fastest, kvType: type);
        Dirty(dirty.Executors[0]);
        byte[][] pages = [.. new[] { dirty, clean }.Select(model =>
        {
            CpuLayerExecutor executor = model.Executors[0];
            executor.TryReserve(Moved, 20);
            executor.Forward([new(Moved, 0, 11)], Rows(executor, 11, seed: 1));
            byte[] page = new byte[executor.KvPages!.PageBytes];
            executor.KvPages.Export(Moved, 2, 0, page);
            return page;
        })];
        Assert.Contains(pages[0], value => value != 0);
        Assert.Equal(pages[1], pages[0]);
    }

    [Fact]
    public void BadPlaces_AreRefused()
    {
        using var model = new LoadedModel(GoldenManifest.Default.Model("llama-untied-f32").Path, KernelSets.Fastest);
        IKvPages pages = model.Executors[0].KvPages!;
        byte[] page = new byte[pages.PageBytes];
        Assert.Null(pages.LengthOf(Moved));
        Assert.Throws<ArgumentException>(() => pages.Export(Moved, 0, 0, page));
        Assert.Throws<ArgumentException>(() => pages.Import(Moved, 0, 0, 0, page));
        Assert.Throws<ArgumentException>(() => pages.SetLength(Moved, 1));
        model.Executors[0].TryReserve(Moved, 40);
        Assert.Throws<ArgumentException>(() => pages.Export(Moved, 0, 0, page));
        Assert.Throws<ArgumentException>(() => pages.Import(Moved, 0, 2, 0, page));
        Assert.Throws<ArgumentException>(() => pages.Import(Moved, 0, -1, 0, page));
        Assert.Throws<ArgumentException>(() => pages.Import(Moved, model.Shape.LayerCount, 0, 0, page));
        Assert.Throws<ArgumentException>(() => pages.Import(Moved, 0, 0, 1, page));
        Assert.Throws<ArgumentException>(() => pages.Import(Moved, 0, 0, -1, [1]));
        Assert.Throws<ArgumentException>(() => pages.SetLength(Moved, 41));
        Assert.Throws<ArgumentException>(() => pages.SetLength(Moved, -1));
        pages.SetLength(Moved, 33);
        Assert.Equal(33, pages.LengthOf(Moved));
        Assert.Throws<ArgumentException>(() => pages.Export(Moved, 0, 1, page.AsSpan(1).ToArray()));
        pages.Export(Moved, 0, 1, page);
    }

    private static void Move(ILayerExecutor source, ILayerExecutor target, int length)
    {
        byte[] page = new byte[source.KvPages!.PageBytes];
        for (int number = 0; number * Page < length; number++)
        {
            for (int layer = 0; layer < source.Range.Count; layer++)
            {
                source.KvPages.Export(Moved, layer, number, page);

                // In two parts, as a link may carry it.
                target.KvPages!.Import(Moved, layer, number, 0, page.AsSpan(0, 100));
                target.KvPages.Import(Moved, layer, number, 100, page.AsSpan(100));
            }
        }

        target.KvPages!.SetLength(Moved, length);
    }

    private static void Dirty(ILayerExecutor executor)
    {
        var other = new SequenceId(1000);
        executor.TryReserve(other, 4 * Page);
        executor.Forward([new(other, 0, 4 * Page)], Rows(executor, 4 * Page, seed: 99));
        executor.Free(other);
    }

    private static float[] Rows(ILayerExecutor executor, int count, int seed)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, count * executor.Shape.HiddenSize).Select(_ => (random.NextSingle() * 2) - 1)];
    }
}
