namespace NativeSplit.Engine.Execution;

/// <summary>Consecutive rows of a batch that belong to one sequence.</summary>
/// <param name="Sequence">The sequence.</param>
/// <param name="Position">Position of the first row in the sequence, from 0; equals the positions already cached.</param>
/// <param name="Count">Rows: many in prefill, one in decode.</param>
public readonly record struct SequenceRows(SequenceId Sequence, int Position, int Count)
{
    /// <summary>Rows of a whole batch.</summary>
    public static int Total(ReadOnlySpan<SequenceRows> batch)
    {
        int rows = 0;
        foreach (var sequence in batch)
        {
            rows = checked(rows + sequence.Count);
        }

        return rows;
    }
}
