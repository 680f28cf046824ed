using NativeSplit.Engine.Ends;
using NativeSplit.Engine.Execution;

namespace NativeSplit.Engine.Generation;

/// <summary>Runs a batch from token ids to logits: embedding, layers, head. Owns the rows between them; allocates nothing per step.</summary>
internal sealed class StepRunner
{
    private readonly ILayerPath _path;
    private readonly TokenEmbedding _embedding;
    private readonly LanguageHead _head;
    private readonly float[] _hidden;   // [maxBatchRows, hidden]
    private readonly float[] _logits;   // [maxSequences, vocabulary]
    private readonly int _tokens;

    /// <summary>Makes the buffers.</summary>
    /// <param name="path">All layers.</param>
    /// <param name="embedding">Ids to rows.</param>
    /// <param name="head">Rows to logits.</param>
    /// <param name="tokens">Tokens that may be chosen: a model may pad its vocabulary past the tokenizer's.</param>
    /// <param name="options">Bounds.</param>
    public StepRunner(ILayerPath path, TokenEmbedding embedding, LanguageHead head, int tokens, TextGeneratorOptions options)
    {
        _tokens = tokens;
        _path = path;
        _embedding = embedding;
        _head = head;
        _hidden = new float[checked(options.MaxBatchRows * embedding.HiddenSize)];
        _logits = new float[checked(options.MaxSequences * head.VocabularySize)];
    }

    /// <summary>Runs a batch. Afterwards <see cref="Logits"/> are those of its logit rows.</summary>
    public ValueTask RunAsync(StepBatch batch, CancellationToken cancellationToken)
    {
        var hidden = _hidden.AsMemory(0, batch.RowCount * _embedding.HiddenSize);
        _embedding.Embed(batch.Tokens, batch.Rows.Span, hidden.Span);
        var forward = _path.ForwardAsync(batch.Rows, hidden, cancellationToken);
        if (!forward.IsCompletedSuccessfully)
        {
            return FinishLaterAsync(forward, batch);
        }

        // A path in this process is done by now: no state machine needed.
        forward.GetAwaiter().GetResult();
        Finish(batch);
        return default;
    }

    /// <summary>Logits of a logit row of the last batch, of the tokens that may be chosen; free to be overwritten.</summary>
    public Span<float> Logits(int index) => _logits.AsSpan(index * _head.VocabularySize, _tokens);

    private async ValueTask FinishLaterAsync(ValueTask forward, StepBatch batch)
    {
        await forward.ConfigureAwait(false);
        Finish(batch);
    }

    private void Finish(StepBatch batch)
    {
        batch.Advance();
        var hidden = _hidden.AsSpan(0, batch.RowCount * _embedding.HiddenSize);
        _head.ComputeLogits(hidden, batch.LogitRows, _logits.AsMemory(0, batch.LogitCount * _head.VocabularySize));
    }
}
