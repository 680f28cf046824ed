using NativeSplit.Engine.Execution;
using NativeSplit.Model;

namespace NativeSplit.Engine.Generation;

/// <summary>The rows of one step: the newest token of every running sequence, then as much of the waiting prompts as the bounds allow. Reused; allocates nothing.</summary>
internal sealed class StepBatch
{
    private readonly SequenceRows[] _rows;
    private readonly RunningGeneration[] _generations;
    private readonly TokenId[] _tokens;
    private readonly int[] _logitRows;
    private readonly RunningGeneration[] _logitGenerations;
    private readonly int _prefillRows;

    /// <summary>Makes an empty batch.</summary>
    public StepBatch(TextGeneratorOptions options)
    {
        _rows = new SequenceRows[options.MaxSequences];
        _generations = new RunningGeneration[options.MaxSequences];
        _tokens = new TokenId[options.MaxBatchRows];
        _logitRows = new int[options.MaxSequences];
        _logitGenerations = new RunningGeneration[options.MaxSequences];
        _prefillRows = options.PrefillChunkRows;
    }

    /// <summary>Sequences in the batch.</summary>
    public int SequenceCount { get; private set; }

    /// <summary>Rows in the batch.</summary>
    public int RowCount { get; private set; }

    /// <summary>Rows whose logits are wanted.</summary>
    public int LogitCount { get; private set; }

    /// <summary>The batch as stages see it.</summary>
    public ReadOnlyMemory<SequenceRows> Rows => _rows.AsMemory(0, SequenceCount);

    /// <summary>Token of every row.</summary>
    public ReadOnlySpan<TokenId> Tokens => _tokens.AsSpan(0, RowCount);

    /// <summary>Indexes of the rows whose logits are wanted.</summary>
    public ReadOnlySpan<int> LogitRows => _logitRows.AsSpan(0, LogitCount);

    /// <summary>The generation that wants the logits of <see cref="LogitRows"/>[<paramref name="index"/>].</summary>
    public RunningGeneration LogitGeneration(int index) => _logitGenerations[index];

    /// <summary>Generation of an entry of <see cref="Rows"/>.</summary>
    public RunningGeneration Generation(int index) => _generations[index];

    /// <summary>Fills the batch.</summary>
    /// <param name="running">Running generations, oldest first; at most the bound.</param>
    public void Plan(List<RunningGeneration> running)
    {
        SequenceCount = RowCount = LogitCount = 0;
        foreach (var generation in running)
        {
            if (!generation.Sequence.IsPrefilling)
            {
                Add(generation, generation.Sequence.PendingRows);
            }
        }

        int budget = Math.Min(_prefillRows, _tokens.Length - RowCount);
        foreach (var generation in running)
        {
            if (generation.Sequence.IsPrefilling && budget > 0)
            {
                int rows = Math.Min(budget, generation.Sequence.PendingRows);
                Add(generation, rows);
                budget -= rows;
            }
        }
    }

    /// <summary>Notes in every sequence that the batch has run.</summary>
    public void Advance()
    {
        for (int i = 0; i < SequenceCount; i++)
        {
            _generations[i].Sequence.Advance(_rows[i].Count);
        }
    }

    private void Add(RunningGeneration generation, int rows)
    {
        bool isComplete = rows == generation.Sequence.PendingRows;
        _rows[SequenceCount] = generation.Sequence.TakeRows(_tokens.AsSpan(RowCount, rows));
        _generations[SequenceCount++] = generation;
        RowCount += rows;
        if (isComplete)
        {
            _logitRows[LogitCount] = RowCount - 1;
            _logitGenerations[LogitCount++] = generation;
        }
    }
}
