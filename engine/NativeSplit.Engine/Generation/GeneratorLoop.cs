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
    private readonly int _maxSequences;
    private readonly Task _task;

    /// <summary>Starts the loop.</summary>
    public GeneratorLoop(ILayerPath path, StepRunner runner, TextGeneratorOptions options)
    {
        _path = path;
        _runner = runner;
        _batch = new StepBatch(options);
        _maxSequences = options.MaxSequences;
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
            while (_running.Count > 0 || await _commands.Reader.WaitToReadAsync(_stop.Token).ConfigureAwait(false))
            {
                while (_commands.Reader.TryRead(out var command))
                {
                    await ObeyAsync(command).ConfigureAwait(false);
                }

                if (_running.Count > 0)
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
            var refusal = await ReserveAsync(command.Generation.Sequence).ConfigureAwait(false);
            if (refusal is null)
            {
                _running.Add(command.Generation);
                command.Generation.Admit();
            }
            else
            {
                command.Generation.Refuse(refusal);
            }
        }
        else if (_running.Contains(command.Generation))
        {
            await ReleaseAsync(command.Generation, Cancelled()).ConfigureAwait(false);
        }
    }

    private async ValueTask<EngineException?> ReserveAsync(ActiveSequence sequence)
    {
        if (_running.Count >= _maxSequences)
        {
            return new EngineException(EngineFault.NoCapacity, $"{_running.Count} sequences run, as many as are allowed at once. Send the request again later.");
        }

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
            await FailBatchAsync(cause).ConfigureAwait(false);
            return;
        }

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
