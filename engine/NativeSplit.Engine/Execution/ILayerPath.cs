namespace NativeSplit.Engine.Execution;

/// <summary>All layers of a model in order, wherever they run: the way a batch takes from the embedding to the head.</summary>
/// <remarks>
/// One call at a time. Outcomes of the far side come as <see cref="EngineException"/> with <see cref="EngineFault.PathBroken"/>. What
/// stages have cached of any sequence is then lost: whoever holds the tokens may free the sequence, reserve anew and run them again.
/// </remarks>
public interface ILayerPath : IAsyncDisposable
{
    /// <summary>Positions of one sequence at most, the least over all stages.</summary>
    int ContextLength { get; }

    /// <summary>Ends when batches can run: at once, or, after <see cref="EngineFault.PathBroken"/>, when the path is whole again. It may break again at any time.</summary>
    /// <param name="cancellationToken">Ends the wait.</param>
    Task WaitUntilReadyAsync(CancellationToken cancellationToken);

    /// <summary>Makes KV room for a sequence on every stage, or on none.</summary>
    /// <returns>False when some stage has too little room.</returns>
    ValueTask<bool> TryReserveAsync(SequenceId sequence, int tokens, CancellationToken cancellationToken);

    /// <summary>Gives a sequence's room back on every stage. Never fails for an unknown sequence.</summary>
    ValueTask FreeAsync(SequenceId sequence);

    /// <summary>Runs a batch through all layers, in place.</summary>
    /// <param name="batch">Sequences in the batch.</param>
    /// <param name="hidden">Shape [rows, hidden]; owned by the path until the task ends.</param>
    /// <param name="cancellationToken">Ends the wait. The batch's sequences are then in an unknown state and must be freed.</param>
    ValueTask ForwardAsync(ReadOnlyMemory<SequenceRows> batch, Memory<float> hidden, CancellationToken cancellationToken);
}
