using System.Collections.Frozen;
using NativeSplit.Engine.Ends;
using NativeSplit.Engine.Execution;
using NativeSplit.Engine.Sampling;
using NativeSplit.Model;
using NativeSplit.Model.Tokenization;

namespace NativeSplit.Engine.Generation;

/// <summary>Continues many texts at a time over one path (continuous batching, Yu et al. 2022).</summary>
/// <remarks>
/// <para>Borrows path, embedding, head and tokenizer; while it lives, nobody else may use path and head. One loop does all work on
/// them. A step takes the newest token of every running sequence and a bounded piece of the waiting prompts.</para>
/// <para>A request is admitted at the next step's border. If there is no room it waits its turn for at most
/// <see cref="TextGeneratorOptions.AdmissionWait"/>, then it is refused. It reserves room for its prompt and
/// all tokens it may generate, so a running generation never lacks room. What else runs doesn't change a generation's tokens.</para>
/// <para>When the path breaks, running generations wait for it for <see cref="TextGeneratorOptions.RecoveryWait"/>. Once it is whole they
/// are rebuilt from their tokens (re-prefill) and go on with the very tokens that they would have had. Those that can't wait end with
/// <see cref="EngineFault.PathBroken"/>.</para>
/// </remarks>
public sealed class TextGenerator : ITextGenerator, IAsyncDisposable
{
    private readonly GeneratorLoop _loop;
    private readonly Tokenizer _tokenizer;
    private readonly TimeProvider _time;
    private readonly SamplerWorkspace _workspace;
    private readonly FrozenSet<TokenId> _endTokens;
    private long _lastSequence;

    /// <summary>Starts a generator.</summary>
    /// <param name="path">All layers; lent.</param>
    /// <param name="embedding">Ids to rows; lent.</param>
    /// <param name="head">Rows to logits; lent.</param>
    /// <param name="tokenizer">Ids to text; lent.</param>
    /// <param name="time">Clock of the timings.</param>
    /// <param name="options">Bounds.</param>
    /// <exception cref="ArgumentException">A bound is out of its range, or the ends don't fit one another.</exception>
    public TextGenerator(ILayerPath path, TokenEmbedding embedding, LanguageHead head, Tokenizer tokenizer, TimeProvider time, TextGeneratorOptions options)
    {
        ArgumentNullException.ThrowIfNull(path);
        ArgumentNullException.ThrowIfNull(embedding);
        ArgumentNullException.ThrowIfNull(head);
        ArgumentNullException.ThrowIfNull(tokenizer);
        ArgumentNullException.ThrowIfNull(time);
        ArgumentNullException.ThrowIfNull(options);
        options.Validate();
        if (embedding.HiddenSize != head.HiddenSize || embedding.VocabularySize != head.VocabularySize)
        {
            throw new ArgumentException(
                $"The embedding [{embedding.VocabularySize}, {embedding.HiddenSize}] and the head [{head.VocabularySize}, {head.HiddenSize}] are of different models.",
                nameof(head));
        }

        ContextLength = path.ContextLength;
        _tokenizer = tokenizer;
        _time = time;
        _workspace = new SamplerWorkspace(Math.Min(head.VocabularySize, tokenizer.VocabularySize));
        _endTokens = tokenizer.EndOfGeneration.Concat(options.EndOfGeneration).ToFrozenSet();
        _loop = new GeneratorLoop(path, new StepRunner(path, embedding, head, _workspace.VocabularySize, options), options, time);
    }

    /// <inheritdoc/>
    public int ContextLength { get; }

    /// <inheritdoc/>
    public async ValueTask<IGeneration> StartAsync(GenerationRequest request, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(request);
        cancellationToken.ThrowIfCancellationRequested();
        var generation = Create(request);
        if (!_loop.TryPost(new GeneratorCommand(generation, GeneratorCommandKind.Admit)))
        {
            throw GeneratorLoop.Stopping();
        }

        try
        {
            var refusal = await generation.Admission.WaitAsync(cancellationToken).ConfigureAwait(false);
            return refusal is null ? generation : throw refusal;
        }
        catch (OperationCanceledException)
        {
            // The loop may admit it all the same; the cancel comes after that and takes it back.
            Cancel(generation);
            throw;
        }
    }

    /// <summary>Ends all generations with <see cref="EngineFault.Stopping"/>, gives their room back, and waits for the loop.</summary>
    public ValueTask DisposeAsync() => _loop.DisposeAsync();

    private RunningGeneration Create(GenerationRequest request)
    {
        if (request.Prompt is null || request.Prompt.Count == 0)
        {
            throw new ArgumentException("The prompt is empty; it needs at least one token.", nameof(request));
        }

        if (request.MaxTokens is < 1)
        {
            throw new ArgumentException($"MaxTokens is {request.MaxTokens}; it must be at least 1.", nameof(request));
        }

        TokenId[] prompt = [.. request.Prompt];
        int room = ContextLength - prompt.Length;
        if (room < 1)
        {
            throw new EngineException(
                EngineFault.PromptTooLong,
                $"The prompt has {prompt.Length} tokens; the context holds {ContextLength}, at least one of them generated. Shorten the prompt.");
        }

        int maxTokens = Math.Min(request.MaxTokens ?? room, room);
        var sampler = new Sampler(request.Sampling, prompt, maxTokens, _workspace);
        var sequence = new ActiveSequence(new SequenceId((ulong)Interlocked.Increment(ref _lastSequence)), prompt, maxTokens, sampler);
        return new RunningGeneration(sequence, new TokenText(request, _tokenizer, _endTokens), _time, Cancel);
    }

    // Once the loop takes no commands any more, it releases every generation itself.
    private void Cancel(RunningGeneration generation) => _loop.TryPost(new GeneratorCommand(generation, GeneratorCommandKind.Cancel));
}
