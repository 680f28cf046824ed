using System.Threading.Channels;
using NativeSplit.Engine.Execution;

namespace NativeSplit.Engine.Generation;

/// <summary>How a wait for a broken path ended.</summary>
internal enum RecoveryStatus
{
    /// <summary>The path is whole: rebuild the sequences.</summary>
    Ready,

    /// <summary>Something else has to be looked at: a command, or a request that has waited as long as it may.</summary>
    Interrupted,

    /// <summary>It took too long, or no path will come.</summary>
    GivenUp,
}

/// <summary>The patience of running generations with a path that breaks. For the generator's loop alone.</summary>
/// <remarks>
/// Patience begins at the first break and ends with the first step that succeeds. A path that is whole again each time but breaks at
/// every step is given up too, after <see cref="MostAttempts"/>: the sequences themselves may be what breaks it.
/// </remarks>
internal sealed class PathRecovery(ILayerPath path, TimeSpan patience, TimeProvider time)
{
    /// <summary>Rebuilds without a step that succeeded.</summary>
    private const int MostAttempts = 5;

    private long _since;
    private int _attempts;

    /// <summary>Why the path broke; null when nothing waits for it.</summary>
    public EngineException? Cause { get; private set; }

    /// <summary>Notes a failure.</summary>
    /// <returns>False when it isn't to be waited for: the failure isn't the path's, or patience is at its end.</returns>
    public bool TryBegin(Exception failure)
    {
        if (patience == TimeSpan.Zero || failure is not EngineException { Fault: EngineFault.PathBroken } broken || _attempts >= MostAttempts)
        {
            Reset();
            return false;
        }

        if (_attempts == 0)
        {
            _since = time.GetTimestamp();
        }

        _attempts++;
        Cause = broken;
        return true;
    }

    /// <summary>Waits until the path is whole, a command comes, others have waited as long as they may, or patience is at its end.</summary>
    /// <param name="commands">Where commands come.</param>
    /// <param name="others">Time after which requests that wait must be looked at.</param>
    /// <param name="stop">Ends the wait.</param>
    public async ValueTask<RecoveryStatus> WaitAsync(ChannelReader<GeneratorCommand> commands, TimeSpan others, CancellationToken stop)
    {
        TimeSpan left = patience - time.GetElapsedTime(_since);
        if (left <= TimeSpan.Zero)
        {
            return RecoveryStatus.GivenUp;
        }

        using var round = CancellationTokenSource.CreateLinkedTokenSource(stop);
        Task ready = path.WaitUntilReadyAsync(round.Token);
        Task<bool> command = commands.WaitToReadAsync(round.Token).AsTask();
        bool isOthers = others != Timeout.InfiniteTimeSpan && others < left;
        Task over = Task.Delay(isOthers ? others : left, time, round.Token);
        await Task.WhenAny(ready, command, over).ConfigureAwait(false);
        await round.CancelAsync().ConfigureAwait(false);
        stop.ThrowIfCancellationRequested();
        return ready.IsCompletedSuccessfully ? RecoveryStatus.Ready
            : command.IsCompletedSuccessfully || isOthers ? RecoveryStatus.Interrupted
            : RecoveryStatus.GivenUp;
    }

    /// <summary>Notes that the sequences are rebuilt and steps go on.</summary>
    public void Resume() => Cause = null;

    /// <summary>Notes that a step has succeeded, or that nothing waits any more.</summary>
    public void Reset()
    {
        Cause = null;
        _attempts = 0;
    }
}
