using NativeSplit.Model;

namespace NativeSplit.Engine.Generation;

/// <summary>Bounds of a <see cref="TextGenerator"/>.</summary>
public sealed record TextGeneratorOptions
{
    /// <summary>Rows of a batch at most; at least <see cref="MaxSequences"/>.</summary>
    public int MaxBatchRows { get; init; } = 256;

    /// <summary>Prompt rows in one batch at most: bounds how long the running sequences wait for a new one's prompt.</summary>
    public int PrefillChunkRows { get; init; } = 128;

    /// <summary>Sequences that run at once.</summary>
    public int MaxSequences { get; init; } = 16;

    /// <summary>How long a request waits for room, or for a broken path that running generations would wait for, before it is refused; zero refuses at once.</summary>
    public TimeSpan AdmissionWait { get; init; } = TimeSpan.Zero;

    /// <summary>Requests that wait for room at once; more are refused at once.</summary>
    public int MaxWaiting { get; init; } = 256;

    /// <summary>
    /// How long running generations wait for a broken path to be whole again; then they are rebuilt from their tokens and go on. Zero ends
    /// them at once.
    /// </summary>
    public TimeSpan RecoveryWait { get; init; } = TimeSpan.Zero;

    /// <summary>Tokens that end a generation, on top of the tokenizer's own.</summary>
    public IReadOnlyList<TokenId> EndOfGeneration { get; init; } = [];

    /// <summary>Checks the bounds.</summary>
    /// <exception cref="ArgumentException">One is out of its range.</exception>
    public void Validate()
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(MaxSequences);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(PrefillChunkRows);
        ArgumentOutOfRangeException.ThrowIfLessThan(MaxBatchRows, MaxSequences);
        ArgumentOutOfRangeException.ThrowIfLessThan(AdmissionWait, TimeSpan.Zero);
        ArgumentOutOfRangeException.ThrowIfLessThan(RecoveryWait, TimeSpan.Zero);
        ArgumentOutOfRangeException.ThrowIfNegative(MaxWaiting);
        ArgumentNullException.ThrowIfNull(EndOfGeneration);
    }
}
