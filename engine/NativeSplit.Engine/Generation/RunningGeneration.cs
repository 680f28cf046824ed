using System.Threading.Channels;
using NativeSplit.Model;

namespace NativeSplit.Engine.Generation;

/// <summary>One generation as its client holds it: the stream of chunks, counts, timings. The generator's loop writes, one client reads.</summary>
/// <remarks>
/// The stream has no bound but <see cref="ActiveSequence.MaxTokens"/>, so a slow reader holds up nobody. It lives until the loop
/// has released it: at its end, its failure, or the step after its disposal.
/// </remarks>
internal sealed class RunningGeneration : IGeneration
{
    private readonly Channel<GenerationChunk> _chunks = Channel.CreateUnbounded<GenerationChunk>(new UnboundedChannelOptions { SingleReader = true, SingleWriter = true });
    private readonly TaskCompletionSource<EngineException?> _admission = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _release = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TokenText _text;
    private readonly TimeProvider _time;
    private readonly Action<RunningGeneration> _cancel;
    private long _admitted;
    private long _first;
    private long _newest;
    private int _completionTokens;

    /// <summary>Makes a generation that waits for admission.</summary>
    /// <param name="sequence">The numbers side.</param>
    /// <param name="text">The text side.</param>
    /// <param name="time">Clock of the timings.</param>
    /// <param name="cancel">Asks the loop to release it; called by the client's disposal.</param>
    public RunningGeneration(ActiveSequence sequence, TokenText text, TimeProvider time, Action<RunningGeneration> cancel)
    {
        Sequence = sequence;
        _text = text;
        _time = time;
        _cancel = cancel;
    }

    /// <summary>The numbers side.</summary>
    public ActiveSequence Sequence { get; }

    /// <summary>Ends with null once admitted, or with the reason why not.</summary>
    public Task<EngineException?> Admission => _admission.Task;

    /// <inheritdoc/>
    public GenerationUsage Usage => new(Sequence.PromptTokens, Volatile.Read(ref _completionTokens));

    /// <inheritdoc/>
    public GenerationTimings Timings
    {
        get
        {
            long newest = Volatile.Read(ref _newest);
            long first = Volatile.Read(ref _first);
            return first == 0 || newest == 0
                ? default
                : new(_time.GetElapsedTime(Volatile.Read(ref _admitted), first), _time.GetElapsedTime(first, newest));
        }
    }

    /// <inheritdoc/>
    public IAsyncEnumerable<GenerationChunk> ReadAllAsync(CancellationToken cancellationToken) => _chunks.Reader.ReadAllAsync(cancellationToken);

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        if (!_release.Task.IsCompleted)
        {
            _cancel(this);
            await _release.Task.ConfigureAwait(false);
        }
    }

    /// <summary>Admits it; the clock starts.</summary>
    public void Admit()
    {
        Volatile.Write(ref _admitted, _time.GetTimestamp());
        _admission.TrySetResult(null);
    }

    /// <summary>Refuses it.</summary>
    public void Refuse(EngineException reason)
    {
        _admission.TrySetResult(reason);
        Release(reason);
    }

    /// <summary>Passes a token on to the client.</summary>
    /// <returns>True when it was the last one.</returns>
    public bool Push(TokenId token)
    {
        long now = _time.GetTimestamp();
        if (_first == 0)
        {
            Volatile.Write(ref _first, now);
        }

        Volatile.Write(ref _newest, now);
        Volatile.Write(ref _completionTokens, Sequence.CompletionTokens);
        string text = _text.Append(token, isLast: Sequence.CompletionTokens >= Sequence.MaxTokens, out var finish);
        _chunks.Writer.TryWrite(new GenerationChunk(token, text, finish));
        return finish is not null;
    }

    /// <summary>Ends the stream, after the sequence's room was given back.</summary>
    /// <param name="failure">Why it broke; null when it came to its end.</param>
    public void Release(EngineException? failure)
    {
        _chunks.Writer.TryComplete(failure);
        _release.TrySetResult();
    }
}
