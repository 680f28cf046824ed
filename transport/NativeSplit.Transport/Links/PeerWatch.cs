namespace NativeSplit.Transport.Links;

/// <summary>Notices a peer that no longer lives although its connections do: stopped, frozen, or cut off without a word.</summary>
/// <remarks>
/// Pings go over the control connection, which the peer's transport answers by itself: a peer whose owner reads slowly, or whose data connection
/// is full, still lives. While a step is under way (activations were the last thing sent, not too long ago, or the owner expects rows) the peer has
/// <see cref="LinkOptions.PeerTimeout"/>; otherwise <see cref="LinkOptions.IdleTimeout"/>. A tick that comes late tells that this process itself didn't run, and starts the wait anew.
/// </remarks>
internal sealed class PeerWatch : IDisposable
{
    private const int TicksPerTimeout = 4;

    private readonly LinkState _state;
    private readonly FrameSender _sender;
    private readonly FrameReceiver _receiver;
    private readonly ControlConnection _control;
    private readonly LinkOptions _options;
    private readonly TimeSpan _interval;
    private readonly ITimer? _timer;
    private int _ticking;
    private int _expectations;
    private long _lastTick;
    private long _heard;
    private long _heardAt;
    private long _activations;
    private long _activationsAt;
    private long _askedAt;
    private bool _asked;
    private bool _askedUrgently;
    private ulong _number;

    /// <summary>Starts to watch, unless the options turn it off.</summary>
    /// <param name="state">State of the link.</param>
    /// <param name="sender">Sending half.</param>
    /// <param name="receiver">Receiving half.</param>
    /// <param name="control">Carries the pings.</param>
    /// <param name="options">Times, and the clock.</param>
    public PeerWatch(LinkState state, FrameSender sender, FrameReceiver receiver, ControlConnection control, LinkOptions options)
    {
        (_state, _sender, _receiver, _control, _options) = (state, sender, receiver, control, options);
        _lastTick = _heardAt = options.Time.GetTimestamp();
        _interval = options.PeerTimeout / TicksPerTimeout;
        if (options.PeerTimeout != Timeout.InfiniteTimeSpan)
        {
            _timer = options.Time.CreateTimer(static state => ((PeerWatch)state!).OnTick(), this, _interval, _interval);
        }
    }

    /// <summary>Rows are expected from the peer, or no longer; counted.</summary>
    /// <param name="expected">One more, or one less.</param>
    public void ExpectRows(bool expected) => Interlocked.Add(ref _expectations, expected ? 1 : -1);

    /// <inheritdoc/>
    public void Dispose() => _timer?.Dispose();

    private void OnTick()
    {
        if (Interlocked.Exchange(ref _ticking, 1) == 1)
        {
            return;
        }

        try
        {
            Look();
        }
        finally
        {
            Volatile.Write(ref _ticking, 0);
        }
    }

    private void Look()
    {
        long now = _options.Time.GetTimestamp();
        bool late = Since(_lastTick, now) > 2 * _interval;
        _lastTick = now;
        long heard = _receiver.Frames + _control.Received;
        long activations = _sender.ActivationFrames;
        if (activations != _activations)
        {
            (_activations, _activationsAt) = (activations, now);
        }

        if (heard != _heard || _state.HasEnded)
        {
            (_heard, _heardAt, _asked) = (heard, now, false);
            return;
        }

        bool isUrgent = Volatile.Read(ref _expectations) > 0
            || (activations > 0 && _sender.AwaitsRows && Since(_activationsAt, now) < _options.IdleTimeout);
        TimeSpan timeout = isUrgent ? _options.PeerTimeout : _options.IdleTimeout;
        if (_asked && (late || isUrgent != _askedUrgently))
        {
            (_askedAt, _askedUrgently) = (now, isUrgent);
        }
        else if (!_asked && (isUrgent || Since(_heardAt, now) >= timeout / TicksPerTimeout))
        {
            (_asked, _askedAt, _askedUrgently) = (true, now, isUrgent);
            _control.Post(ControlKind.Ping, ++_number, []);
        }
        else if (_asked && Since(_askedAt, now) >= timeout * (TicksPerTimeout - 1) / TicksPerTimeout)
        {
            _state.End(
                LinkFault.PeerSilent,
                $"{_state.Peer} gave no sign of life for {timeout.TotalSeconds:0.##} s; it is stopped, overloaded or cut off. Open a new link when it is back.");
        }
    }

    private TimeSpan Since(long start, long now) => _options.Time.GetElapsedTime(start, now);
}
