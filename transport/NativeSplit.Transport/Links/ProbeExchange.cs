using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using NativeSplit.Transport.Frames;

namespace NativeSplit.Transport.Links;

/// <summary>Probes of one link: one is out at a time; an echo of an earlier, given-up one is ignored.</summary>
/// <param name="sender">Sending half.</param>
/// <param name="state">State of the link.</param>
[SuppressMessage("Reliability", "CA1001", Justification = "A SemaphoreSlim whose wait handle is never asked for holds nothing to free.")]
internal sealed class ProbeExchange(FrameSender sender, LinkState state)
{
    private readonly SemaphoreSlim _turn = new(1, 1);
    private readonly Lock _lock = new();
    private readonly ProbeClock _clock = new();
    private TaskCompletionSource<long>? _echo;
    private ulong _number;
    private bool _abandoned;

    /// <summary>Sends a probe and waits for its echo.</summary>
    /// <param name="padding">Bytes that the probe carries for nothing.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    public async ValueTask<TimeSpan> MeasureAsync(int padding, CancellationToken cancellationToken)
    {
        await _turn.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            Task<long> echo = Expect(out ulong number);
            await sender.SendAsync(FrameType.Probe, default, new ProbeWriter(number, _clock, padding), cancellationToken).ConfigureAwait(false);
            long end = await echo.WaitAsync(cancellationToken).ConfigureAwait(false);
            return Stopwatch.GetElapsedTime(_clock.Start, end);
        }
        finally
        {
            _turn.Release();
        }
    }

    /// <summary>An echo came.</summary>
    /// <param name="number">Number of the probe.</param>
    /// <param name="timestamp"><see cref="Stopwatch"/> time of its receipt.</param>
    public void Complete(ulong number, long timestamp)
    {
        lock (_lock)
        {
            if (number == _number)
            {
                _echo?.TrySetResult(timestamp);
            }
        }
    }

    /// <summary>No echo will come any more.</summary>
    public void Abandon()
    {
        lock (_lock)
        {
            _abandoned = true;
            _echo?.TrySetException(Gone());
        }
    }

    private Task<long> Expect(out ulong number)
    {
        lock (_lock)
        {
            state.ThrowIfNotSendable();
            if (_abandoned)
            {
                throw Gone();
            }

            _echo = new TaskCompletionSource<long>(TaskCreationOptions.RunContinuationsAsynchronously);
            number = ++_number;
            return _echo.Task;
        }
    }

    private LinkException Gone() => new(LinkFault.Closed, $"The link to {state.Peer} ended before it answered a probe.");
}
