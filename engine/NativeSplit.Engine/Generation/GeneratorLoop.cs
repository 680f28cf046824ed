using System.Threading.Channels;
using NativeSplit.Engine.Execution;

namespace NativeSplit.Engine.Generation;

/// <summary>What a client asks of the loop.</summary>
internal enum GeneratorCommandKind
{
    /// <summary>Reserve room and start.</summary>
    Admit,

    /// <summary>Stop and give the room back.</summary>
    Cancel,
}

/// <summary>A client's wish, obeyed at the next border between steps.</summary>
internal readonly record struct GeneratorCommand(RunningGeneration Generation, GeneratorCommandKind Kind);

/// <summary>The one loop that uses path and head: obey commands, run a step, pass tokens on, again. Sleeps while nothing runs.</summary>
internal sealed class GeneratorLoop : IAsyncDisposable
{
    private readonly Channel<GeneratorCommand> _commands = Channel.CreateUnbounded<GeneratorCommand>(new UnboundedChannelOptions { SingleReader = true });
    private readonly CancellationTokenSource _stop = new();
    private readonly List<RunningGeneration> _running;
    private readonly ILayerPath _path;
    private readonly StepRunner _runner;
    private readonly StepBatch _batch;
    private readonly AdmissionQueue _waiting;
    private readonly PathRecovery _recovery;
    private readonly int _maxSequences;
    private readonly Task _task;
    private bool _roomFreed;

    /// <summary>Starts the loop.</summary>
    public GeneratorLoop(ILayerPath path, StepRunner runner, TextGeneratorOptions options, TimeProvider time)
    {
        _path = path;
        _runner = runner;
        _batch = new StepBatch(options);
        _maxSequences = options.MaxSequences;
        _waiting = new AdmissionQueue(options, time);
        _recovery = new PathRecovery(path, options.RecoveryWait, time);
        _running = new List<RunningGeneration>(options.MaxSequences);
        _task = Task.Run(RunAsync);
    }

    /// <summary>The refusal of a generator that is stopping.</summary>
    public static EngineException Stopping() => new(EngineFault.Stopping, "The generator is stopping. Send the request to another one, or again later.");

    /// <summary>Leaves a command; false once the loop is stopping.</summary>
    public bool TryPost(GeneratorCommand command) => _commands.Writer.TryWrite(command);

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        if (_commands.Writer.TryComplete())
        {
            await _stop.CancelAsync().ConfigureAwait(false);
        }

        await _task.ConfigureAwait(false);
        _stop.Dispose();
    }

    private async Task RunAsync()
    {
        try
        {
            while (_running.Count > 0 || _waiting.Count > 0 || await _commands.Reader.WaitToReadAsync(_stop.Token).ConfigureAwait(false))
            {
                while (_commands.Reader.TryRead(out var command))
                {
                    await ObeyAsync(command).ConfigureAwait(false);
                }

                if (_recovery.Cause is { } cause)
                {
                    RefuseLate(cause);
                }
                else
                {
                    await AdmitWaitingAsync().ConfigureAwait(false);
                }

                if (_running.Count == 0 && _waiting.Count == 0)
                {
                    _recovery.Reset();
                }
                else if (_recovery.Cause is null || await TryRebuildAsync().ConfigureAwait(false))
                {
                    await StepAsync().ConfigureAwait(false);
                }

                _stop.Token.ThrowIfCancellationRequested();
            }
        }
        catch (Exception) when (_stop.IsCancellationRequested)
        {
            // Asked to stop; what still runs is released below.
        }
        finally
        {
            await StopAllAsync().ConfigureAwait(false);
        }
    }

    private async ValueTask ObeyAsync(GeneratorCommand command)
    {
        if (command.Kind == GeneratorCommandKind.Admit)
        {
            await AdmitAsync(command.Generation).ConfigureAwait(false);
        }
        else if (_waiting.Remove(command.Generation))
        {
            command.Generation.Refuse(Cancelled());
        }
        else if (_running.Contains(command.Generation))
        {
            await ReleaseAsync(command.Generation, Cancelled()).ConfigureAwait(false);
        }
    }

    /// <summary>Takes a request in, lets it wait, or refuses it. Who came first is served first.</summary>
    private async ValueTask AdmitAsync(RunningGeneration generation)
    {
        if (_recovery.Cause is { } broken)
        {
            // Nothing can be reserved on a broken path; once it is whole again there may be room.
            if (!_waiting.TryAdd(generation))
            {
                generation.Refuse(Broken(broken));
            }

            return;
        }

        if (_waiting.Count > 0)
        {
            if (!_waiting.TryAdd(generation))
            {
                generation.Refuse(new EngineException(EngineFault.NoCapacity, $"{_waiting.Count} requests wait for room, as many as may. Send the request again later."));
            }

            return;
        }

        var refusal = await ReserveAsync(generation.Sequence).ConfigureAwait(false);
        if (refusal is null)
        {
            _running.Add(generation);
            generation.Admit();
        }
        else if (!(refusal.Fault == EngineFault.NoCapacity ? _running.Count > 0 : _recovery.TryBegin(refusal)) || !_waiting.TryAdd(generation))
        {
            // With nothing running no room will come free: waiting wouldn't help.
            generation.Refuse(refusal);
        }
    }

    /// <summary>Serves those who wait, in order, as far as there is room; refuses those who have waited too long.</summary>
    private async ValueTask AdmitWaitingAsync()
    {
        bool tryRoom = _roomFreed || _running.Count == 0;
        _roomFreed = false;
        while (_waiting.Count > 0)
        {
            var first = _waiting.First;
            bool tooLate = _waiting.IsFirstOver;
            if (!tryRoom && !tooLate)
            {
                return;
            }

            var refusal = await ReserveAsync(first.Sequence).ConfigureAwait(false);
            if (refusal is null)
            {
                _waiting.Remove(first);
                _running.Add(first);
                first.Admit();
            }
            else if (tooLate || !(refusal.Fault == EngineFault.NoCapacity ? _running.Count > 0 : _recovery.TryBegin(refusal)))
            {
                _waiting.Remove(first);
                first.Refuse(refusal);
            }
            else
            {
                return;
            }
        }
    }

    /// <summary>Refuses those who have waited too long for a path that is broken.</summary>
    private void RefuseLate(EngineException cause)
    {
        while (_waiting.Count > 0 && _waiting.IsFirstOver)
        {
            var first = _waiting.First;
            _waiting.Remove(first);
            first.Refuse(Broken(cause));
        }
    }

    private async ValueTask<EngineException?> ReserveAsync(ActiveSequence sequence)
    {
        if (_running.Count >= _maxSequences)
        {
            return new EngineException(EngineFault.NoCapacity, $"{_running.Count} sequences run, as many as are allowed at once. Send the request again later.");
        }

        return await ReserveRoomAsync(sequence).ConfigureAwait(false);
    }

    private async ValueTask<EngineException?> ReserveRoomAsync(ActiveSequence sequence)
    {
        int tokens = sequence.PromptTokens + sequence.MaxTokens;
        try
        {
            return await _path.TryReserveAsync(sequence.Id, tokens, _stop.Token).ConfigureAwait(false)
                ? null
                : new EngineException(
                    EngineFault.NoCapacity,
                    $"Some stage has no KV room for {tokens} more tokens now ({sequence.PromptTokens} of prompt, {sequence.MaxTokens} to generate). " +
                    "Send the request again later, or ask for fewer tokens.");
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested)
        {
            return Stopping();
        }
        catch (Exception cause)
        {
            // Some stages may hold room for it by now.
            await FreeAsync(sequence).ConfigureAwait(false);
            return Broken(cause);
        }
    }

    private async ValueTask StepAsync()
    {
        _batch.Plan(_running);
        try
        {
            await _runner.RunAsync(_batch, _stop.Token).ConfigureAwait(false);
        }
        catch (Exception cause) when (!_stop.IsCancellationRequested)
        {
            if (!_recovery.TryBegin(cause))
            {
                await FailBatchAsync(cause).ConfigureAwait(false);
            }

            return;
        }

        _recovery.Reset();
        for (int i = 0; i < _batch.LogitCount; i++)
        {
            var generation = _batch.LogitGeneration(i);
            EngineException? failure = null;
            bool isLast = false;
            try
            {
                isLast = generation.Push(generation.Sequence.Sample(_runner.Logits(i)));
            }
            catch (Exception cause)
            {
                failure = cause as EngineException ?? Broken(cause);
            }

            if (isLast || failure is not null)
            {
                await ReleaseAsync(generation, failure).ConfigureAwait(false);
            }
        }
    }

    /// <summary>Waits for the path; once it is whole, every running sequence gets room on it and starts from its first token.</summary>
    /// <returns>Whether a step may run.</returns>
    private async ValueTask<bool> TryRebuildAsync()
    {
        EngineException cause = _recovery.Cause!;
        switch (await _recovery.WaitAsync(_commands.Reader, _waiting.Count > 0 ? _waiting.FirstLeft : Timeout.InfiniteTimeSpan, _stop.Token).ConfigureAwait(false))
        {
            case RecoveryStatus.Interrupted:
                return false;
            case RecoveryStatus.GivenUp:
                await FailRunningAsync(cause).ConfigureAwait(false);
                return false;
        }

        foreach (RunningGeneration generation in _running)
        {
            // Stages of a path that broke without losing them still hold room for it.
            await FreeAsync(generation.Sequence).ConfigureAwait(false);
            generation.Sequence.Rewind();
        }

        foreach (RunningGeneration generation in _running.ToArray())
        {
            EngineException? refusal = await ReserveRoomAsync(generation.Sequence).ConfigureAwait(false);
            if (refusal is { Fault: EngineFault.PathBroken })
            {
                if (!_recovery.TryBegin(refusal))
                {
                    await FailRunningAsync(refusal).ConfigureAwait(false);
                }

                return false;
            }

            if (refusal is not null)
            {
                await ReleaseAsync(generation, refusal).ConfigureAwait(false);
            }
        }

        _recovery.Resume();
        return _running.Count > 0;
    }

    private async ValueTask FailRunningAsync(EngineException cause)
    {
        _recovery.Reset();
        while (_running.Count > 0)
        {
            await ReleaseAsync(_running[^1], Broken(cause)).ConfigureAwait(false);
        }
    }

    private async ValueTask FailBatchAsync(Exception cause)
    {
        for (int i = 0; i < _batch.SequenceCount; i++)
        {
            await ReleaseAsync(_batch.Generation(i), Broken(cause)).ConfigureAwait(false);
        }
    }

    private async ValueTask ReleaseAsync(RunningGeneration generation, EngineException? failure)
    {
        _running.Remove(generation);
        _roomFreed = true;
        await FreeAsync(generation.Sequence).ConfigureAwait(false);
        generation.Release(failure);
    }

    private async ValueTask FreeAsync(ActiveSequence sequence)
    {
        try
        {
            await _path.FreeAsync(sequence.Id).ConfigureAwait(false);
        }
        catch (EngineException)
        {
            // The stage that can't be told is lost, and its KV room with it.
        }
    }

    private async ValueTask StopAllAsync()
    {
        _commands.Writer.TryComplete();
        while (_running.Count > 0)
        {
            await ReleaseAsync(_running[^1], Stopping()).ConfigureAwait(false);
        }

        while (_waiting.Count > 0)
        {
            var first = _waiting.First;
            _waiting.Remove(first);
            first.Refuse(Stopping());
        }

        while (_commands.Reader.TryRead(out var command))
        {
            if (command.Kind == GeneratorCommandKind.Admit)
            {
                command.Generation.Refuse(Stopping());
            }
        }
    }

    private static EngineException Cancelled() => new(EngineFault.Stopping, "The generation was disposed before its end.");

    private static EngineException Broken(Exception cause) =>
        cause is EngineException { Fault: EngineFault.PathBroken } known
            ? new EngineException(EngineFault.PathBroken, known.Message, known)
            : new EngineException(EngineFault.PathBroken, $"A stage failed: {cause.Message}", cause);
}
