using System.Threading.Channels;
using NativeSplit.Cluster.Activations;
using NativeSplit.Cluster.Messages;
using NativeSplit.Cluster.Stages;
using NativeSplit.Engine;
using NativeSplit.Engine.Execution;
using NativeSplit.Model;
using NativeSplit.Transport.Frames;

namespace NativeSplit.Cluster.Tests.Stages;

public sealed class StageRunnerTests : IAsyncDisposable
{
    private const int Hidden = 4;
    private static readonly SequenceId Sequence = new(11);
    private readonly AddOneExecutor _executor = new(AddOneExecutor.SmallShape, new LayerRange(2, 5), kvTokens: 32);
    private readonly RecordingOutput _output = new();
    private readonly StageRunner _runner;

    public StageRunnerTests() => _runner = new StageRunner(
        new AssignStage { Epoch = 1, Stage = 2, LayerStart = 2, LayerEnd = 5, ModelFingerprint = "", Encoding = 0, MaxRows = 4, MaxSequences = 2, KvTokens = 32, Previous = "" },
        _executor, _output);

    public async ValueTask DisposeAsync() => await _runner.DisposeAsync();

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task EnqueueAsync_ForwardsRows_ThatPassedTheLayers()
    {
        _runner.Reserve(Sequence, 8);
        Assert.Equal((Sequence, true), await _output.Reservations.Reader.ReadAsync(Cancel));

        await SendAsync(batch: 5, position: 0, rows: 2, value: 1f);

        (ulong number, SequenceRows[] batch, float[] hidden) = await _output.Batches.Reader.ReadAsync(Cancel);
        Assert.Equal(5ul, number);
        Assert.Equal([new SequenceRows(Sequence, 0, 2)], batch);
        Assert.All(hidden, value => Assert.Equal(4f, value));
        Assert.NotEqual(Environment.CurrentManagedThreadId, _executor.CallerThread);
    }

    [Fact]
    public async Task Reserve_AnswersNo_WhenThereIsNoRoom()
    {
        _runner.Reserve(Sequence, 33);
        Assert.Equal((Sequence, false), await _output.Reservations.Reader.ReadAsync(Cancel));
    }

    [Fact]
    public async Task EnqueueAsync_ReportsAFailure_AndGoesOn_WhenTheEngineRefusesABatch()
    {
        await SendAsync(batch: 1, position: 0, rows: 1, value: 0f);
        (ulong number, string reason) = await _output.Failures.Reader.ReadAsync(Cancel);
        Assert.Equal(1ul, number);
        Assert.Contains("position 0", reason);

        _runner.Reserve(Sequence, 4);
        await SendAsync(batch: 2, position: 0, rows: 1, value: 0f);
        Assert.Equal(2ul, (await _output.Batches.Reader.ReadAsync(Cancel)).Number);
    }

    [Fact]
    public async Task EnqueueAsync_ReportsAFailure_AndGoesOn_WhenAPeersTableIsNonsense()
    {
        _runner.Reserve(Sequence, 8);
        byte[] payload = new byte[ActivationPayload.LengthOf(2, 2, Hidden, RowEncoding.F32)];
        ActivationPayload.Write([new SequenceRows(Sequence, 0, 1), new SequenceRows(Sequence, 0, 1)], new float[2 * Hidden], RowEncoding.F32, payload);
        await _runner.EnqueueAsync(new FrameHeader(1, 4, 2, 0, 2, 2), payload);
        (ulong number, string reason) = await _output.Failures.Reader.ReadAsync(Cancel);
        Assert.Equal(4ul, number);
        Assert.Contains("twice", reason);

        await SendAsync(batch: 5, position: 0, rows: 1, value: 0f);
        Assert.Equal(5ul, (await _output.Batches.Reader.ReadAsync(Cancel)).Number);
    }

    [Fact]
    public async Task EnqueueAsync_ReportsAFailure_AndGoesOn_WhenTheOutputThrows()
    {
        _runner.Reserve(Sequence, 8);
        _output.Fault = new InvalidOperationException("the output failed");
        await SendAsync(batch: 1, position: 0, rows: 1, value: 0f);
        Assert.Contains("the output failed", (await _output.Failures.Reader.ReadAsync(Cancel)).Reason);

        _output.Fault = null;
        await SendAsync(batch: 2, position: 1, rows: 1, value: 0f);
        Assert.Equal(2ul, (await _output.Batches.Reader.ReadAsync(Cancel)).Number);
    }

    [Fact]
    public async Task EnqueueAsync_ThrowsProtocol_WhenTheFrameIsForAnotherStageOrMalformed()
    {
        byte[] payload = new byte[ActivationPayload.LengthOf(1, 1, Hidden, RowEncoding.F32)];
        foreach (FrameHeader header in (FrameHeader[])[new(2, 1, 2, 0, 1, 1), new(1, 1, 3, 0, 1, 1), new(1, 1, 2, 1, 1, 1), new(1, 1, 2, 0, 1, 5), new(1, 1, 2, 0, 1, 1)])
        {
            ClusterException e = await Assert.ThrowsAsync<ClusterException>(async () => await _runner.EnqueueAsync(header, payload));
            Assert.Equal(ClusterFault.Protocol, e.Fault);
        }

        // No slot leaked on the way: two good batches still fit.
        _runner.Reserve(Sequence, 4);
        await SendAsync(batch: 1, position: 0, rows: 1, value: 0f);
        await SendAsync(batch: 2, position: 1, rows: 1, value: 0f);
        Assert.Equal(1ul, (await _output.Batches.Reader.ReadAsync(Cancel)).Number);
        Assert.Equal(2ul, (await _output.Batches.Reader.ReadAsync(Cancel)).Number);
    }

    [Fact]
    public async Task EnqueueAsync_Waits_WhileTheStageIsFull()
    {
        _runner.Reserve(Sequence, 8);
        _executor.Gate.Reset();
        for (int i = 0; i < StageRunner.BatchesInFlight; i++)
        {
            await SendAsync((ulong)i, position: i, rows: 1, value: 0f);
        }

        Task third = SendAsync(9, position: StageRunner.BatchesInFlight, rows: 1, value: 0f);
        Assert.False(third.IsCompleted);

        _executor.Gate.Set();
        await third.WaitAsync(Cancel);
        for (int i = 0; i <= StageRunner.BatchesInFlight; i++)
        {
            await _output.Batches.Reader.ReadAsync(Cancel);
        }
    }

    [Fact]
    public async Task Free_GivesTheRoomBack()
    {
        _runner.Reserve(Sequence, 32);
        _runner.Free(Sequence);
        _runner.Free(new SequenceId(999));
        _runner.Reserve(new SequenceId(12), 32);
        Assert.Equal((Sequence, true), await _output.Reservations.Reader.ReadAsync(Cancel));
        Assert.Equal((new SequenceId(12), true), await _output.Reservations.Reader.ReadAsync(Cancel));
    }

    [Fact]
    public async Task Report_CountsBatchesAndRows()
    {
        _runner.Reserve(Sequence, 8);
        await SendAsync(1, position: 0, rows: 3, value: 0f);
        await _output.Batches.Reader.ReadAsync(Cancel);
        StageReport report = _runner.Report(bytesForwarded: 77);
        Assert.Equal((1L, 3L, 77L, 1), (report.Batches, report.Rows, report.BytesForwarded, report.Sequences));
    }

    [Fact]
    public async Task DisposeAsync_DisposesTheExecutor_AndMayBeCalledTwice()
    {
        await _runner.DisposeAsync();
        await _runner.DisposeAsync();
        Assert.True(_executor.Disposed);
    }

    private async Task SendAsync(ulong batch, int position, int rows, float value)
    {
        float[] hidden = new float[rows * Hidden];
        Array.Fill(hidden, value);
        byte[] payload = new byte[ActivationPayload.LengthOf(1, rows, Hidden, RowEncoding.F32)];
        ActivationPayload.Write([new SequenceRows(Sequence, position, rows)], hidden, RowEncoding.F32, payload);
        await _runner.EnqueueAsync(new FrameHeader(1, batch, 2, 0, 1, (uint)rows), payload);
    }

    private sealed class RecordingOutput : IStageOutput
    {
        public Channel<(ulong Number, SequenceRows[] Batch, float[] Hidden)> Batches { get; } = Channel.CreateUnbounded<(ulong, SequenceRows[], float[])>();

        public Channel<(SequenceId Sequence, bool Granted)> Reservations { get; } = Channel.CreateUnbounded<(SequenceId, bool)>();

        public Channel<(ulong Number, string Reason)> Failures { get; } = Channel.CreateUnbounded<(ulong, string)>();

        public Exception? Fault { get; set; }

        public ValueTask ForwardAsync(ulong batchNumber, ReadOnlyMemory<SequenceRows> batch, ReadOnlyMemory<float> hidden)
        {
            if (Fault is { } fault)
            {
                throw fault;
            }

            Batches.Writer.TryWrite((batchNumber, batch.ToArray(), hidden.ToArray()));
            return ValueTask.CompletedTask;
        }

        public void Reserved(SequenceId sequence, bool granted) => Reservations.Writer.TryWrite((sequence, granted));

        public void Failed(ulong batchNumber, string reason) => Failures.Writer.TryWrite((batchNumber, reason));
    }
}
