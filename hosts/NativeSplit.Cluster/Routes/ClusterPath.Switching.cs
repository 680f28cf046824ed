using System.Diagnostics;
using NativeSplit.Cluster.Links;
using NativeSplit.Cluster.Messages;
using NativeSplit.Cluster.Migration;
using NativeSplit.Engine;
using NativeSplit.Engine.Execution;
using NativeSplit.Placement;
using NativeSplit.Transport.Frames;

namespace NativeSplit.Cluster.Routes;

/// <content>How a path changes its route while sequences run.</content>
public sealed partial class ClusterPath
{
    private KvMigration? _migration;
    private bool _isChanging;

    /// <summary>Puts a route in force between two steps; owned from here on. Running sequences go on with the KV pages that are brought over, or else fail and can be rebuilt.</summary>
    /// <param name="route">The route, every stage ready.</param>
    /// <param name="addressOf">Where workers reach a worker.</param>
    /// <returns>What became of the sequences.</returns>
    /// <exception cref="ClusterException">They can't be brought over for now; what was in force stays, and the new route is disposed.</exception>
    internal async Task<SwitchReport> SwitchAsync(Route route, Func<NodeId, NextHop> addressOf)
    {
        using KvMigration? migration = await BeginMigrationAsync(route, addressOf).ConfigureAwait(false);
        await _oneCaller.WaitAsync().ConfigureAwait(false);
        try
        {
            long start = Stopwatch.GetTimestamp();
            Volatile.Write(ref _isChanging, true);
            string? loss = migration is null ? "their KV pages stay behind" : await FinishMigrationAsync(migration, route).ConfigureAwait(false);
            int sequences = _sequences.Count;
            _route?.Dispose();
            Volatile.Write(ref _route, route);
            if (migration is null || loss is not null)
            {
                Forget();
            }

            Volatile.Write(ref _broken, null);
            _waiter.Open();
            Volatile.Read(ref _ready).TrySetResult();
            return new SwitchReport(sequences, migration is not null && loss is null, migration?.Bytes ?? 0, Stopwatch.GetElapsedTime(start), loss);
        }
        catch
        {
            route.Dispose();
            throw;
        }
        finally
        {
            Volatile.Write(ref _migration, null);
            Volatile.Write(ref _isChanging, false);
            _oneCaller.Release();
        }
    }

    /// <summary>KV pages came for a stage that will run here; those of a move that was given up are dropped.</summary>
    internal ValueTask AcceptKvAsync(PeerConnection from, FrameHeader header, ReadOnlyMemory<byte> payload) =>
        Volatile.Read(ref _migration) is { } migration && migration.Epoch.Value == header.Epoch ? migration.AcceptAsync(from, header, payload) : ValueTask.CompletedTask;

    /// <summary>A worker has some layers of a sequence whole.</summary>
    internal void AcceptKv(KvArrived arrived)
    {
        if (Volatile.Read(ref _migration) is { } migration && migration.Epoch.Value == arrived.Epoch)
        {
            migration.Accept(arrived);
        }
    }

    /// <summary>A worker couldn't send some.</summary>
    internal void AcceptKv(KvFailed failed, NodeId node) => Volatile.Read(ref _migration)?.Accept(failed, node);

    /// <summary>Copies what is cached now, while steps go on. Null when there is nothing to copy from, or it can't be done; then sequences are rebuilt.</summary>
    private async Task<KvMigration?> BeginMigrationAsync(Route route, Func<NodeId, NextHop> addressOf)
    {
        KvMigration? migration = null;
        KeyValuePair<SequenceId, RunningSequence>[] running = [];
        await _oneCaller.WaitAsync().ConfigureAwait(false);
        if (_options.MovesKv && IsInForce && _sequences.Count > 0)
        {
            running = [.. _sequences];
            migration = new KvMigration(_route!, route, TurnsOf, addressOf);
            Volatile.Write(ref _migration, migration);
        }

        _oneCaller.Release();
        if (migration is null)
        {
            return null;
        }

        foreach ((SequenceId sequence, _) in running)
        {
            try
            {
                if (await StateOfAsync(sequence).ConfigureAwait(false) is { Length: > 0 } state)
                {
                    await BringAsync(migration, route, sequence, state).ConfigureAwait(false);
                }
            }
            catch (Exception e) when (e is ClusterException or EngineException)
            {
                // A sequence that has ended meanwhile is no loss.
                if (await StateOfAsync(sequence).ConfigureAwait(false) is not null)
                {
                    migration.Abort(e);
                    break;
                }
            }
        }

        return migration;
    }

    private async Task<RunningSequence?> StateOfAsync(SequenceId sequence)
    {
        await _oneCaller.WaitAsync().ConfigureAwait(false);
        RunningSequence? state = _sequences.TryGetValue(sequence, out RunningSequence known) ? known : null;
        _oneCaller.Release();
        return state;
    }

    /// <summary>Copies what has come since, under the lock. Null when all sequences are whole on the new route; or why they must be run again.</summary>
    /// <exception cref="ClusterException">They can't be brought over, while the route in force could go on with them.</exception>
    private async Task<string?> FinishMigrationAsync(KvMigration migration, Route route)
    {
        try
        {
            if (migration.Cause is { } cause)
            {
                throw cause;
            }

            // First those that ended while they were copied: those that came since need their room.
            foreach (SequenceId gone in migration.Reserved.Where(sequence => !_sequences.ContainsKey(sequence)))
            {
                await StageReservations.FreeAsync(route, route.Stages.Count, gone).ConfigureAwait(false);
            }

            foreach ((SequenceId sequence, RunningSequence state) in _sequences)
            {
                await BringAsync(migration, route, sequence, state).ConfigureAwait(false);
            }

            return IsInForce && _route == migration.From ? null : "the plan that was in force broke meanwhile";
        }
        catch (Exception e) when (e is ClusterException or EngineException)
        {
            bool isForGood = e is ClusterException { Fault: ClusterFault.Unsupported } || !IsInForce || _route != migration.From;
            return isForGood ? e.Message : throw new ClusterException((e as ClusterException)?.Fault ?? ClusterFault.NodeLost, $"Running answers can't be brought over: {e.Message}", e);
        }
    }

    private async Task BringAsync(KvMigration migration, Route route, SequenceId sequence, RunningSequence state)
    {
        if (migration.Reserved.Add(sequence) || state.Reserved > migration.ReservedTokens.GetValueOrDefault(sequence))
        {
            migration.ReservedTokens[sequence] = state.Reserved;
            for (int stage = 0; stage < route.Stages.Count; stage++)
            {
                if (!await _reservations.ReserveAsync(route, stage, sequence, state.Reserved, CancellationToken.None).ConfigureAwait(false))
                {
                    throw new ClusterException(ClusterFault.StageRefused, $"{route.Stages[stage].Node} has no KV room for {state.Reserved} positions.");
                }
            }
        }

        if (state.Length > 0)
        {
            await migration.CopyAsync(sequence, state.Length, _options.StepTimeout, _time).ConfigureAwait(false);
        }
    }

    /// <summary>Turns with an executor of the route in force: between steps, or at once while the lock is held for the change.</summary>
    private ExecutorTurn TurnsOf(ILayerExecutor executor) => async work =>
    {
        bool isChanging = Volatile.Read(ref _isChanging);
        if (!isChanging)
        {
            await _oneCaller.WaitAsync().ConfigureAwait(false);
        }

        try
        {
            work(executor);
        }
        finally
        {
            if (!isChanging)
            {
                _oneCaller.Release();
            }
        }
    };

    /// <summary>A sequence with room on the route in force.</summary>
    /// <param name="Reserved">Positions reserved.</param>
    /// <param name="Length">Positions cached.</param>
    private readonly record struct RunningSequence(int Reserved, int Length);
}
