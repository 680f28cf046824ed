using System.Runtime.CompilerServices;
using System.Threading.Channels;
using NativeSplit.Engine.Generation;
using NativeSplit.Model;

namespace NativeSplit.Gateway.Tests.Fakes;

/// <summary>A generator that says what a test tells it to, and keeps what it was asked.</summary>
internal sealed class ScriptedGenerator(Func<GenerationRequest, CancellationToken, IAsyncEnumerable<GenerationChunk>> play) : ITextGenerator
{
    private readonly Channel<ScriptedGeneration> _started = Channel.CreateUnbounded<ScriptedGeneration>();

    public int ContextLength { get; init; } = 4096;

    /// <summary>Thrown by every start, if set.</summary>
    public Exception? Refusal { get; init; }

    /// <summary>What every start waits for, if set.</summary>
    public Func<CancellationToken, Task>? Admission { get; init; }

    /// <summary>The generations that were started, in order.</summary>
    public ChannelReader<ScriptedGeneration> Started => _started.Reader;

    /// <summary>Says the texts, a token each, then stops.</summary>
    public static ScriptedGenerator Saying(params string[] texts) => new((_, _) => Say(texts));

    public async ValueTask<IGeneration> StartAsync(GenerationRequest request, CancellationToken cancellationToken)
    {
        if (Refusal is not null)
        {
            throw Refusal;
        }

        if (Admission is not null)
        {
            await Admission(cancellationToken);
        }

        ScriptedGeneration generation = new(request, play);
        Assert.True(_started.Writer.TryWrite(generation));
        return generation;
    }

    public static async IAsyncEnumerable<GenerationChunk> Say(params string[] texts)
    {
        await Task.Yield();
        for (int i = 0; i < texts.Length; i++)
        {
            yield return new GenerationChunk(new TokenId(i), texts[i], null);
        }

        yield return new GenerationChunk(new TokenId(0), "", FinishReason.Stop);
    }

    /// <summary>Says one text, then nothing until it is cancelled.</summary>
    public static async IAsyncEnumerable<GenerationChunk> SayAndHang(string text, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        yield return new GenerationChunk(new TokenId(0), text, null);
        await Task.Delay(Timeout.Infinite, cancellationToken);
    }

    /// <summary>Says the texts, then fails.</summary>
    public static async IAsyncEnumerable<GenerationChunk> SayAndFail(Exception failure, params string[] texts)
    {
        await Task.Yield();
        foreach (string text in texts)
        {
            yield return new GenerationChunk(new TokenId(0), text, null);
        }

        throw failure;
    }
}

internal sealed class ScriptedGeneration(
    GenerationRequest request, Func<GenerationRequest, CancellationToken, IAsyncEnumerable<GenerationChunk>> play) : IGeneration
{
    private readonly TaskCompletionSource _disposed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _tokens;

    public GenerationRequest Request => request;

    /// <summary>Ends when the generation is disposed: its KV is free.</summary>
    public Task Disposed => _disposed.Task;

    public int TokensSaid => Volatile.Read(ref _tokens);

    public GenerationUsage Usage => new(request.Prompt.Count, _tokens);

    public GenerationTimings Timings => default;

    public async IAsyncEnumerable<GenerationChunk> ReadAllAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await foreach (GenerationChunk chunk in play(request, cancellationToken).WithCancellation(cancellationToken))
        {
            Interlocked.Increment(ref _tokens);
            yield return chunk;
        }
    }

    public ValueTask DisposeAsync()
    {
        _disposed.TrySetResult();
        return ValueTask.CompletedTask;
    }
}
