using System.Threading.Tasks.Sources;
using NativeSplit.Transport.Frames;

namespace NativeSplit.Transport.Links;

/// <summary>Whose turn it is to send on a link: one at a time, bulk frames behind all others and only with credit.</summary>
/// <remarks>
/// Two queues, each first come, first served. A turn goes to the first of the urgent queue; only when that is empty, to the first of the bulk
/// queue, if the peer's credit covers its frame: who waits for credit holds nothing. Waiters are reused, so that a wait allocates nothing in steady
/// state. A cancelled wait leaves its queue at once.
/// </remarks>
internal sealed class SendTurns
{
    private readonly Lock _gate = new();
    private readonly WaitQueue _urgent = new();
    private readonly WaitQueue _bulk = new();
    private Waiter? _spare;
    private bool _taken;
    private bool _creditEnded;
    private ulong _granted = FrameLayout.InitialBulkCredit;
    private ulong _spent;

    /// <summary>Takes the turn if nobody has it.</summary>
    public bool TryEnter()
    {
        lock (_gate)
        {
            return !_taken && (_taken = true);
        }
    }

    /// <summary>Waits for the turn of an urgent frame.</summary>
    /// <param name="cancellationToken">Ends the wait.</param>
    public ValueTask EnterAsync(CancellationToken cancellationToken)
    {
        Waiter waiter;
        lock (_gate)
        {
            if (!_taken)
            {
                _taken = true;
                return default;
            }

            waiter = Rent(_urgent, frameBytes: 0);
        }

        return waiter.WaitAsync(cancellationToken);
    }

    /// <summary>Waits for the turn of a bulk frame: until no urgent sender waits, and there is credit.</summary>
    /// <param name="frameBytes">Bytes of the whole frame.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    public ValueTask EnterBulkAsync(int frameBytes, CancellationToken cancellationToken)
    {
        Waiter waiter;
        lock (_gate)
        {
            if (!_taken && _bulk.First is null && HasCredit(frameBytes))
            {
                _taken = true;
                return default;
            }

            waiter = Rent(_bulk, frameBytes);
        }

        return waiter.WaitAsync(cancellationToken);
    }

    /// <summary>Uses credit, for a bulk frame that has been sealed. Called by who has the turn.</summary>
    /// <param name="frameBytes">Bytes of the whole frame.</param>
    public void Spend(int frameBytes)
    {
        lock (_gate)
        {
            _spent += (uint)frameBytes;
        }
    }

    /// <summary>Gives the turn on.</summary>
    public void Leave()
    {
        lock (_gate)
        {
            _taken = false;
            PassOn();
        }
    }

    /// <summary>The peer has given credit. False when it may not give so much, or nothing new.</summary>
    /// <param name="total">Bytes of bulk frames that may have been sent since the link opened.</param>
    public bool TryGrant(ulong total)
    {
        lock (_gate)
        {
            if (total <= _granted || total > _spent + LinkOptions.BulkWindowCeiling)
            {
                return false;
            }

            _granted = total;
            PassOn();
            return true;
        }
    }

    /// <summary>No credit comes any more: the link ends. Who waits for it gets the turn, and learns from the link's state why nothing can be sent.</summary>
    public void EndCredit()
    {
        lock (_gate)
        {
            _creditEnded = true;
            PassOn();
        }
    }

    private bool HasCredit(int frameBytes) => _creditEnded || _spent + (uint)frameBytes <= _granted;

    // Called under the gate. Continuations don't run here: waiters complete asynchronously.
    private void PassOn()
    {
        if (_taken)
        {
            return;
        }

        Waiter? next = _urgent.First;
        if (next is null && _bulk.First is { } first && HasCredit(first.FrameBytes))
        {
            next = first;
        }

        if (next is not null)
        {
            _taken = true;
            next.Queue!.Remove(next);
            next.Complete(cancelled: null);
        }
    }

    private Waiter Rent(WaitQueue queue, int frameBytes)
    {
        Waiter waiter = _spare ?? new Waiter(this);
        _spare = waiter.Next;
        waiter.Next = null;
        waiter.FrameBytes = frameBytes;
        queue.Add(waiter);
        return waiter;
    }

    private void Return(Waiter waiter)
    {
        lock (_gate)
        {
            waiter.Next = _spare;
            _spare = waiter;
        }
    }

    private void Cancel(Waiter waiter, CancellationToken token)
    {
        lock (_gate)
        {
            if (waiter.Queue is { } queue)
            {
                queue.Remove(waiter);
                waiter.Complete(new OperationCanceledException(token));

                // The one behind may need less credit.
                PassOn();
            }
        }
    }

    /// <summary>A queue whose members can leave from anywhere. Used under the gate.</summary>
    private sealed class WaitQueue
    {
        private Waiter? _last;

        public Waiter? First { get; private set; }

        public void Add(Waiter waiter)
        {
            (waiter.Queue, waiter.Previous) = (this, _last);
            if (_last is null)
            {
                First = waiter;
            }
            else
            {
                _last.Next = waiter;
            }

            _last = waiter;
        }

        public void Remove(Waiter waiter)
        {
            if (waiter.Previous is { } previous)
            {
                previous.Next = waiter.Next;
            }
            else
            {
                First = waiter.Next;
            }

            if (waiter.Next is { } next)
            {
                next.Previous = waiter.Previous;
            }
            else
            {
                _last = waiter.Previous;
            }

            (waiter.Queue, waiter.Previous, waiter.Next) = (null, null, null);
        }
    }

    /// <summary>One wait at a time; back in the stock when its result has been taken.</summary>
    private sealed class Waiter(SendTurns turns) : IValueTaskSource
    {
        private ManualResetValueTaskSourceCore<bool> _source = new() { RunContinuationsAsynchronously = true };
        private CancellationTokenRegistration _registration;

        public WaitQueue? Queue { get; set; }

        public Waiter? Previous { get; set; }

        public Waiter? Next { get; set; }

        public int FrameBytes { get; set; }

        public ValueTask WaitAsync(CancellationToken cancellationToken)
        {
            short version = _source.Version;
            _registration = cancellationToken.UnsafeRegister(
                static (state, token) =>
                {
                    var waiter = (Waiter)state!;
                    waiter.Turns.Cancel(waiter, token);
                },
                this);
            return new ValueTask(this, version);
        }

        public void Complete(OperationCanceledException? cancelled)
        {
            if (cancelled is null)
            {
                _source.SetResult(true);
            }
            else
            {
                _source.SetException(cancelled);
            }
        }

        public void GetResult(short token)
        {
            try
            {
                _source.GetResult(token);
            }
            finally
            {
                // Waits for a cancellation that is being told right now: it must not reach the next user of this object.
                _registration.Dispose();
                _registration = default;
                _source.Reset();
                turns.Return(this);
            }
        }

        public ValueTaskSourceStatus GetStatus(short token) => _source.GetStatus(token);

        public void OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
            _source.OnCompleted(continuation, state, token, flags);

        private SendTurns Turns => turns;
    }
}
