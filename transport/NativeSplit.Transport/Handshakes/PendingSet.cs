namespace NativeSplit.Transport.Handshakes;

/// <summary>
/// Unfinished handshakes, bounded in number and time. When it is full, a newcomer pushes out the oldest that has proven nothing,
/// so peers that stall can't keep others out for longer than it takes them to come again.
/// </summary>
/// <param name="limit">How many at once.</param>
internal sealed class PendingSet(int limit)
{
    private readonly LinkedList<Entry> _entries = [];
    private readonly Lock _lock = new();

    /// <summary>How many there are.</summary>
    public int Count
    {
        get
        {
            lock (_lock)
            {
                return _entries.Count;
            }
        }
    }

    /// <summary>Enters a handshake. Null when all others have proven themselves and there is no room.</summary>
    /// <param name="timeout">Its time.</param>
    /// <param name="lifetime">Ends them all.</param>
    public Entry? TryEnter(TimeSpan timeout, CancellationToken lifetime)
    {
        Entry? pushedOut = null;
        Entry entered;
        lock (_lock)
        {
            if (_entries.Count >= limit)
            {
                pushedOut = OldestUnproven();
                if (pushedOut is null)
                {
                    return null;
                }

                _entries.Remove(pushedOut.Node);
            }

            entered = new Entry(this, timeout, lifetime);
            _entries.AddLast(entered.Node);
        }

        pushedOut?.Cancel();
        return entered;
    }

    private Entry? OldestUnproven()
    {
        for (LinkedListNode<Entry>? node = _entries.First; node is not null; node = node.Next)
        {
            if (!node.Value.IsProven)
            {
                return node.Value;
            }
        }

        return null;
    }

    /// <summary>One unfinished handshake. Dispose when it is finished or has failed.</summary>
    internal sealed class Entry : IDisposable
    {
        private readonly PendingSet _set;
        private readonly CancellationTokenSource _source;
        private volatile bool _isProven;

        /// <summary>Makes the entry and starts its time.</summary>
        public Entry(PendingSet set, TimeSpan timeout, CancellationToken lifetime)
        {
            _set = set;
            _source = CancellationTokenSource.CreateLinkedTokenSource(lifetime);
            _source.CancelAfter(timeout);
            Token = _source.Token;
            Node = new LinkedListNode<Entry>(this);
        }

        /// <summary>Cancelled when the time is over or a newcomer pushed this one out.</summary>
        public CancellationToken Token { get; }

        /// <summary>Place in the set.</summary>
        public LinkedListNode<Entry> Node { get; }

        /// <summary>Whether the peer has proven an identity; it then isn't pushed out.</summary>
        public bool IsProven => _isProven;

        /// <summary>The peer has proven an identity.</summary>
        public void Prove() => _isProven = true;

        /// <summary>Ends the handshake.</summary>
        public void Cancel()
        {
            try
            {
                _source.Cancel();
            }
            catch (ObjectDisposedException)
            {
                // It has finished by itself meanwhile.
            }
        }

        /// <inheritdoc/>
        public void Dispose()
        {
            lock (_set._lock)
            {
                if (Node.List is not null)
                {
                    _set._entries.Remove(Node);
                }
            }

            _source.Dispose();
        }
    }
}
