using System.Collections.Concurrent;
using System.Diagnostics;
using NativeSplit.Cluster.Activations;
using NativeSplit.Cluster.Messages;
using NativeSplit.Engine;
using NativeSplit.Engine.Execution;
using NativeSplit.Transport.Frames;

namespace NativeSplit.Cluster.Stages;

/// <summary>Where the results of a stage go. Called from the stage's own thread; <see cref="Reserved"/> and <see cref="Failed"/> may not throw.</summary>
public interface IStageOutput
{
    /// <summary>Rows are done. What it throws fails the batch.</summary>
    /// <param name="batchNumber">Number of the batch.</param>
    /// <param name="batch">Sequences; lent until the task ends.</param>
    /// <param name="hidden">Shape [rows, hidden]; lent until the task ends.</param>
    ValueTask ForwardAsync(ulong batchNumber, ReadOnlyMemory<SequenceRows> batch, ReadOnlyMemory<float> hidden);

    /// <summary>A reservation was tried.</summary>
    void Reserved(SequenceId sequence, bool granted);

    /// <summary>A batch failed; its sequences are lost.</summary>
    void Failed(ulong batchNumber, string reason);
}

/// <summary>A layer range at work: a queue, one thread that owns the executor, and an output.</summary>
/// <remarks>
/// Rows, reservations and releases run in the order they came, on one thread, because an executor has one caller at a time.
/// At most <see cref="BatchesInFlight"/> batches wait; a link that brings more waits in turn, which is the back-pressure.
/// </remarks>
public sealed class StageRunner : IAsyncDisposable
{
    /// <summary>Batches that are queued or running at most.</summary>
    public const int BatchesInFlight = 2;

    private readonly AssignStage _assignment;
    private readonly ILayerExecutor _executor;
    private readonly IStageOutput _output;
    private readonly RowEncoding _encoding;
    private readonly int _hiddenSize;
    private readonly ConcurrentQueue<StageItem> _items = new();
    private readonly ConcurrentQueue<BatchSlot> _freeSlots = new();
    private readonly SemaphoreSlim _itemCount = new(0);
    private readonly SemaphoreSlim _freeSlotCount = new(BatchesInFlight);
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly CancellationTokenSource _stop = new();
    private readonly StageMeter _meter = new();
    private int _sequences;
    private int _disposed;

    /// <summary>Starts the stage's thread.</summary>
    /// <param name="assignment">What the gateway asked for.</param>
    /// <param name="executor">Runs the layers; owned from here on.</param>
    /// <param name="output">Takes the results.</param>
    public StageRunner(AssignStage assignment, ILayerExecutor executor, IStageOutput output)
    {
        ArgumentNullException.ThrowIfNull(assignment);
        ArgumentNullException.ThrowIfNull(executor);
        ArgumentNullException.ThrowIfNull(output);
        _assignment = assignment;
        _executor = executor;
        _output = output;
        _encoding = (RowEncoding)assignment.Encoding;
        _hiddenSize = executor.Shape.HiddenSize;
        for (int i = 0; i < BatchesInFlight; i++)
        {
            _freeSlots.Enqueue(new BatchSlot(assignment.MaxSequences, assignment.MaxRows * _hiddenSize));
        }

        new Thread(Run) { IsBackground = true, Name = $"nativesplit-stage-{assignment.Stage}" }.Start();
    }

    /// <summary>Sums so far.</summary>
    public StageReport Report(long bytesForwarded)
    {
        StageSums sums = _meter.Read();
        return new StageReport
        {
            Epoch = _assignment.Epoch,
            Stage = _assignment.Stage,
            Batches = sums.Batches,
            Rows = sums.Rows,
            ComputeMicroseconds = sums.ComputeMicroseconds,
            DecodeBatches = sums.DecodeBatches,
            DecodeRows = sums.DecodeRows,
            DecodeMicroseconds = sums.DecodeMicroseconds,
            BytesForwarded = bytesForwarded,
            Sequences = Volatile.Read(ref _sequences),
        };
    }

    /// <summary>Queues rows; waits while <see cref="BatchesInFlight"/> batches are on their way.</summary>
    /// <param name="header">Header of the frame.</param>
    /// <param name="payload">Payload; read before the task ends.</param>
    /// <exception cref="ClusterException"><see cref="ClusterFault.Protocol"/>: the frame isn't for this stage, or malformed.</exception>
    public async ValueTask EnqueueAsync(FrameHeader header, ReadOnlyMemory<byte> payload)
    {
        if (header.Epoch != _assignment.Epoch || header.Stage != _assignment.Stage)
        {
            throw new ClusterException(ClusterFault.Protocol, $"Rows came for epoch {header.Epoch} stage {header.Stage}; this is epoch {_assignment.Epoch} stage {_assignment.Stage}.");
        }

        await _freeSlotCount.WaitAsync(_stop.Token).ConfigureAwait(false);
        _freeSlots.TryDequeue(out BatchSlot? slot);
        ActivationStatus status = ActivationPayload.TryRead(header, payload.Span, _encoding, _hiddenSize, slot!.Batch, slot.Hidden);
        if (status != ActivationStatus.Complete)
        {
            Release(slot);
            throw new ClusterException(ClusterFault.Protocol, $"Batch {header.Batch} can't be read: {status}.");
        }

        slot.Number = header.Batch;
        slot.Sequences = (int)header.Sequences;
        slot.Rows = (int)header.Rows;
        Push(StageItem.ForBatch(slot));
    }

    /// <summary>Queues a reservation; the answer goes to the output.</summary>
    public void Reserve(SequenceId sequence, int tokens) => Push(StageItem.ForReservation(sequence, tokens));

    /// <summary>Queues a release.</summary>
    public void Free(SequenceId sequence) => Push(StageItem.ForRelease(sequence));

    /// <summary>Runs something with the executor, in its turn on the stage's thread.</summary>
    /// <param name="work">What to run; what it throws comes out of the task.</param>
    /// <exception cref="OperationCanceledException">The stage was retired before its turn.</exception>
    public Task InvokeAsync(Action<ILayerExecutor> work)
    {
        ArgumentNullException.ThrowIfNull(work);
        var turn = new StageTurn(work);
        Push(StageItem.ForTurn(turn));
        if (_ended.Task.IsCompleted)
        {
            // Pushed after the thread had drained the queue.
            turn.Done.TrySetCanceled();
        }

        return turn.Done.Task;
    }

    /// <summary>Stops after the batch at work, and disposes the executor.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) == 0)
        {
            await _stop.CancelAsync().ConfigureAwait(false);
            await _ended.Task.ConfigureAwait(false);
            _executor.Dispose();
            _itemCount.Dispose();
            _freeSlotCount.Dispose();
            _stop.Dispose();
        }
        else
        {
            await _ended.Task.ConfigureAwait(false);
        }
    }

    private void Push(StageItem item)
    {
        _items.Enqueue(item);
        try
        {
            _itemCount.Release();
        }
        catch (ObjectDisposedException)
        {
            // The stage has been retired; nobody waits for the item.
        }
    }

    private void Release(BatchSlot slot)
    {
        _freeSlots.Enqueue(slot);
        _freeSlotCount.Release();
    }

    private void Run()
    {
        try
        {
            while (true)
            {
                _itemCount.Wait(_stop.Token);
                if (_items.TryDequeue(out StageItem item))
                {
                    Execute(item);
                }
            }
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested)
        {
            // Asked to stop.
        }
        finally
        {
            _ended.SetResult();
            while (_items.TryDequeue(out StageItem left))
            {
                left.Turn?.Done.TrySetCanceled();
            }
        }
    }

    private void Execute(StageItem item)
    {
        if (item.Slot is { } slot)
        {
            RunBatch(slot);
            Release(slot);
        }
        else if (item.Turn is { } turn)
        {
            turn.Run(_executor);
        }
        else if (item.Tokens > 0)
        {
            _output.Reserved(item.Sequence, TryReserve(item));
        }
        else
        {
            _executor.Free(item.Sequence);
            Volatile.Write(ref _sequences, _executor.KvCacheUse.Sequences);
        }
    }

    private bool TryReserve(StageItem item)
    {
        try
        {
            bool granted = _executor.TryReserve(item.Sequence, item.Tokens);
            Volatile.Write(ref _sequences, _executor.KvCacheUse.Sequences);
            return granted;
        }
        catch (Exception)
        {
            // Whatever the executor ran into, there is no room; the stage lives on for the sequences that have theirs.
            return false;
        }
    }

    // Everything is caught: what a peer sent led here, and an exception that leaves a thread ends the process with all its stages.
    private void RunBatch(BatchSlot slot)
    {
        ReadOnlyMemory<SequenceRows> batch = slot.Batch.AsMemory(0, slot.Sequences);
        Memory<float> hidden = slot.Hidden.AsMemory(0, slot.Rows * _hiddenSize);
        try
        {
            long start = Stopwatch.GetTimestamp();
            _executor.Forward(batch.Span, hidden.Span);
            _meter.Add(batch.Span, Stopwatch.GetTimestamp() - start);
            Send(slot.Number, batch, hidden);
        }
        catch (Exception e)
        {
            _output.Failed(slot.Number, e.Message);
        }
    }

    private void Send(ulong number, ReadOnlyMemory<SequenceRows> batch, ReadOnlyMemory<float> hidden)
    {
        ValueTask sent = _output.ForwardAsync(number, batch, hidden);
        if (sent.IsCompletedSuccessfully)
        {
            sent.GetAwaiter().GetResult();
        }
        else
        {
            // The socket is full: this thread has nothing better to do than to wait for it.
            sent.AsTask().GetAwaiter().GetResult();
        }
    }

    private sealed class BatchSlot(int maxSequences, int hiddenElements)
    {
        public SequenceRows[] Batch { get; } = new SequenceRows[maxSequences];

        public float[] Hidden { get; } = GC.AllocateUninitializedArray<float>(hiddenElements, pinned: true);

        public ulong Number { get; set; }

        public int Sequences { get; set; }

        public int Rows { get; set; }
    }

    private readonly record struct StageItem(BatchSlot? Slot, SequenceId Sequence, int Tokens, StageTurn? Turn)
    {
        public static StageItem ForBatch(BatchSlot slot) => new(slot, default, 0, null);

        public static StageItem ForReservation(SequenceId sequence, int tokens) => new(null, sequence, tokens, null);

        public static StageItem ForRelease(SequenceId sequence) => new(null, sequence, 0, null);

        public static StageItem ForTurn(StageTurn turn) => new(null, default, 0, turn);
    }

    private sealed class StageTurn(Action<ILayerExecutor> work)
    {
        public TaskCompletionSource Done { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public void Run(ILayerExecutor executor)
        {
            try
            {
                work(executor);
                Done.TrySetResult();
            }
            catch (Exception e)
            {
                // Whoever asked for the turn is told; the stage lives on.
                Done.TrySetException(e);
            }
        }
    }
}
