using System.Collections.Concurrent;
using NativeSplit.Cluster.Messages;
using NativeSplit.Engine;
using NativeSplit.Transport.Links;

namespace NativeSplit.Cluster.Routes;

/// <summary>KV room of sequences at the stages of routes: asked for, answered, given back.</summary>
/// <param name="patience">Time for a worker to answer.</param>
/// <param name="time">Clock.</param>
/// <param name="throwIfBroken">Throws when the path is broken.</param>
internal sealed class StageReservations(TimeSpan patience, TimeProvider time, Action throwIfBroken)
{
    private readonly ConcurrentDictionary<(ulong Epoch, ushort Stage, ulong Sequence), TaskCompletionSource<bool>> _waiting = new();

    /// <summary>A worker answered.</summary>
    public void Accept(SequenceReserved answer)
    {
        if (_waiting.TryRemove((answer.Epoch, answer.Stage, answer.Sequence), out TaskCompletionSource<bool>? waiting))
        {
            waiting.TrySetResult(answer.Granted);
        }
    }

    /// <summary>Fails everybody who waits for an answer.</summary>
    public void Fail(EngineException cause)
    {
        foreach (TaskCompletionSource<bool> waiting in _waiting.Values)
        {
            waiting.TrySetException(cause);
        }
    }

    /// <summary>Makes room at one stage, here or on a worker.</summary>
    /// <param name="route">The route, in force or being prepared.</param>
    /// <param name="index">Its stage.</param>
    /// <param name="sequence">The sequence.</param>
    /// <param name="tokens">Positions in all.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>False when the stage has no room.</returns>
    /// <exception cref="EngineException"><see cref="EngineFault.PathBroken"/>: the worker doesn't answer, or the path broke.</exception>
    public async ValueTask<bool> ReserveAsync(Route route, int index, SequenceId sequence, int tokens, CancellationToken cancellationToken)
    {
        RouteStage stage = route.Stages[index];
        if (stage.Local is { } executor)
        {
            return executor.TryReserve(sequence, tokens);
        }

        var answer = new TaskCompletionSource<bool>(TaskCreationOptions.RunContinuationsAsynchronously);
        var key = (route.Epoch.Value, (ushort)index, sequence.Value);
        _waiting[key] = answer;
        try
        {
            // A break that came before the line above has not seen this reservation; one that comes later does.
            throwIfBroken();
            var message = new ReserveSequence { Epoch = route.Epoch.Value, Stage = (ushort)index, Sequence = sequence.Value, Tokens = tokens };
            await stage.Remote!.SendAsync(message, cancellationToken).ConfigureAwait(false);
            return await answer.Task.WaitAsync(patience, time, cancellationToken).ConfigureAwait(false);
        }
        catch (TimeoutException e)
        {
            // Without this every later request would wait as long. A worker that lives joins anew.
            string reason = $"{stage.Node} didn't answer a reservation within {patience.TotalSeconds:0.#} s; it is stopped, overloaded or cut off.";
            stage.Remote!.Drop(reason);
            throw new EngineException(EngineFault.PathBroken, reason, e);
        }
        catch (Exception e) when (e is LinkException or ObjectDisposedException)
        {
            throw new EngineException(EngineFault.PathBroken, $"{stage.Node} can't be asked for KV room: {e.Message}", e);
        }
        finally
        {
            _waiting.TryRemove(key, out _);
        }
    }

    /// <summary>Gives the room of a sequence at the first stages of a route back. A worker that is gone has none any more.</summary>
    public static async ValueTask FreeAsync(Route route, int count, SequenceId sequence)
    {
        for (int i = 0; i < count; i++)
        {
            RouteStage stage = route.Stages[i];
            stage.Local?.Free(sequence);
            if (stage.Remote is { } peer)
            {
                try
                {
                    await peer.SendAsync(new FreeSequence { Epoch = route.Epoch.Value, Stage = (ushort)i, Sequence = sequence.Value }, CancellationToken.None).ConfigureAwait(false);
                }
                catch (Exception e) when (e is LinkException or ObjectDisposedException)
                {
                    // The worker is gone, and its KV cache with it.
                }
            }
        }
    }
}
