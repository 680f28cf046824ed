using NativeSplit.Engine.Execution;
using NativeSplit.Kernels.Threading;
using NativeSplit.Model;
using NativeSplit.Model.Files;
using NativeSplit.Model.Weights;
using NativeSplit.Testing;

namespace NativeSplit.Engine.Tests.Execution;

public sealed class LocalLayerPathTests : IDisposable
{
    private readonly ModelFile _file = ModelFile.Open(GoldenManifest.Default.Model("llama-untied-f32").Path);
    private readonly ThreadTeam _team = ThreadTeam.Create(1);
    private readonly List<IDisposable> _owned = [];

    [Theory]
    [InlineData("0-4")]
    [InlineData("0-2 2-4")]
    [InlineData("0-1 1-3 3-4")]
    [InlineData("0-0 0-4 4-4")]
    public void Constructor_TakesRanges_ThatTileTheModel(string ranges) => Assert.Equal(ranges.Split(' ').Length, Path(ranges).Executors.Count);

    [Theory]
    [InlineData("")]
    [InlineData("0-3")]
    [InlineData("1-4")]
    [InlineData("0-2 3-4")]
    [InlineData("0-3 2-4")]
    [InlineData("2-4 0-2")]
    [InlineData("0-4 0-4")]
    public void Constructor_Refuses_WhenRangesDoNotTileTheModel(string ranges) => Assert.Throws<ArgumentException>(() => Path(ranges));

    [Fact]
    public void ContextLength_IsTheLeast_OfTheModelAndAllStages()
    {
        Assert.Equal(_file.Shape.ContextLength, new LocalLayerPath([Executor(0, 4, 100_000)]).ContextLength);
        Assert.Equal(64, new LocalLayerPath([Executor(0, 2, 128), Executor(2, 4, 64)]).ContextLength);

        // A cache of 8 positions has a page of 32.
        Assert.Equal(8, new LocalLayerPath([Executor(0, 4, 8)], maxContext: 8).ContextLength);
        Assert.Throws<ArgumentOutOfRangeException>(() => new LocalLayerPath([Executor(0, 4, 8)], maxContext: 0));
    }

    [Fact]
    public async Task TryReserveAsync_ReservesOnNoStage_WhenOneHasTooLittleRoom()
    {
        var path = new LocalLayerPath([Executor(0, 1, 128), Executor(1, 2, 96), Executor(2, 4, 128)]);
        Assert.True(await path.TryReserveAsync(new(1), 60, CancellationToken.None));
        Assert.False(await path.TryReserveAsync(new(2), 60, CancellationToken.None));
        Assert.All(path.Executors, executor => Assert.Equal((64, 1), (executor.KvCacheUse.ReservedTokens, executor.KvCacheUse.Sequences)));

        await path.FreeAsync(new(1));
        await path.FreeAsync(new(1));
        Assert.All(path.Executors, executor => Assert.Equal((0, 0), (executor.KvCacheUse.ReservedTokens, executor.KvCacheUse.Sequences)));
        Assert.True(await path.TryReserveAsync(new(2), 60, CancellationToken.None));
    }

    [Fact]
    public async Task TryReserveAsync_KeepsWhatASequenceHas_WhenItCannotGrow()
    {
        var path = new LocalLayerPath([Executor(0, 2, 128), Executor(2, 4, 64)]);
        Assert.True(await path.TryReserveAsync(new(1), 60, CancellationToken.None));
        float[] hidden = new float[60 * _file.Shape.HiddenSize];
        await path.ForwardAsync(new[] { new SequenceRows(new(1), 0, 59) }, hidden.AsMemory(0, 59 * _file.Shape.HiddenSize), CancellationToken.None);

        Assert.False(await path.TryReserveAsync(new(1), 100, CancellationToken.None));
        await path.ForwardAsync(new[] { new SequenceRows(new(1), 59, 1) }, hidden.AsMemory(0, _file.Shape.HiddenSize), CancellationToken.None);
    }

    [Fact]
    public async Task ForwardAsync_DoesNothing_WhenCancelledBefore()
    {
        var path = Path("0-4");
        await path.TryReserveAsync(new(1), 4, CancellationToken.None);
        float[] hidden = new float[_file.Shape.HiddenSize];
        await Assert.ThrowsAsync<OperationCanceledException>(async () =>
            await path.ForwardAsync(new[] { new SequenceRows(new(1), 0, 1) }, hidden, new CancellationToken(canceled: true)));
        await path.ForwardAsync(new[] { new SequenceRows(new(1), 0, 1) }, hidden, CancellationToken.None);
    }

    [Fact]
    public async Task DisposeAsync_DisposesTheExecutors()
    {
        var path = Path("0-2 2-4");
        await path.DisposeAsync();
        Assert.All(path.Executors, executor => Assert.Throws<ObjectDisposedException>(() => executor.TryReserve(new(1), 1)));
    }

    public void Dispose()
    {
        _owned.Reverse();
        _owned.ForEach(resource => resource.Dispose());
        _team.Dispose();
        _file.Dispose();
    }

    private LocalLayerPath Path(string ranges) =>
        new([.. ranges.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(range => range.Split('-').Select(int.Parse).ToArray()).Select(r => Executor(r[0], r[1], 256))]);

    private CpuLayerExecutor Executor(int start, int end, int capacity)
    {
        var weights = _file.Load(WeightSelection.LayersOnly(new LayerRange(start, end)));
        var executor = new CpuLayerExecutor(_file.Shape, weights, KernelSets.Fastest, _team, new CpuExecutorOptions { KvCapacityTokens = capacity });
        _owned.Add(weights);
        _owned.Add(executor);
        return executor;
    }
}
