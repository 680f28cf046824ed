namespace NativeSplit.Engine.Generation;

/// <summary>Continues texts, many at a time.</summary>
public interface ITextGenerator
{
    /// <summary>Positions of one sequence at most.</summary>
    int ContextLength { get; }

    /// <summary>Admits a request: reserves its KV room on every stage.</summary>
    /// <param name="request">The request.</param>
    /// <param name="cancellationToken">Ends the wait for admission.</param>
    /// <returns>The running generation; the caller disposes it, which also cancels it and frees its KV.</returns>
    /// <exception cref="EngineException"><see cref="EngineFault.PromptTooLong"/>, <see cref="EngineFault.NoCapacity"/>, <see cref="EngineFault.PathBroken"/> or <see cref="EngineFault.Stopping"/>.</exception>
    /// <exception cref="ArgumentException">The request is malformed: empty prompt, unknown token, option out of range.</exception>
    ValueTask<IGeneration> StartAsync(GenerationRequest request, CancellationToken cancellationToken);
}

/// <summary>A running generation. One reader.</summary>
public interface IGeneration : IAsyncDisposable
{
    /// <summary>Counts so far.</summary>
    GenerationUsage Usage { get; }

    /// <summary>Timings so far.</summary>
    GenerationTimings Timings { get; }

    /// <summary>The chunks, one per token, until one has <see cref="GenerationChunk.Finish"/>.</summary>
    /// <exception cref="EngineException">The generation broke: <see cref="EngineFault.PathBroken"/> or <see cref="EngineFault.Stopping"/>.</exception>
    IAsyncEnumerable<GenerationChunk> ReadAllAsync(CancellationToken cancellationToken);
}

/// <summary>Timings of a generation.</summary>
/// <param name="TimeToFirstToken">From admission to the first token (TTFT).</param>
/// <param name="DecodeTime">From the first to the newest token; divided by the tokens after the first it is TPOT.</param>
public readonly record struct GenerationTimings(TimeSpan TimeToFirstToken, TimeSpan DecodeTime);
