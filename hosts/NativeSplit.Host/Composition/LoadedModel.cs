using NativeSplit.Engine.Ends;
using NativeSplit.Engine.Execution;
using NativeSplit.Engine.Generation;
using NativeSplit.Kernels.Threading;
using NativeSplit.Model;
using NativeSplit.Model.Files;
using NativeSplit.Model.Tokenization;
using NativeSplit.Model.Weights;

namespace NativeSplit.Host.Composition;

/// <summary>A model opened in this process with the trusted ends: tokenizer, embedding, head. Makes executors and generators on it.</summary>
/// <remarks>One team of threads serves the ends and the local executors: a generator calls them one after the other.</remarks>
internal sealed class LoadedModel : IDisposable
{
    private readonly ModelWeights _ends;
    private readonly ThreadTeam _team;
    private readonly Compute _compute;
    private readonly TokenEmbedding _embedding;
    private readonly LanguageHead _head;

    private LoadedModel(ModelFile file, Compute compute)
    {
        File = file;
        _compute = compute;
        Tokenizer = file.LoadTokenizer();
        _ends = file.Load(new WeightSelection(new LayerRange(0, 0), Embedding: true, Head: true));
        _team = compute.CreateTeam();
        _embedding = new TokenEmbedding(file.Shape, _ends, compute.Kernels);
        _head = new LanguageHead(file.Shape, _ends.Head!, compute.Kernels, _team, precision: compute.Precision);
    }

    public ModelFile File { get; }

    public Tokenizer Tokenizer { get; }

    public ModelShape Shape => File.Shape;

    /// <summary>The chat template, or null when the model has none.</summary>
    public ChatTemplate? ChatTemplate { get; private set; }

    public static LoadedModel Open(string path, Compute compute)
    {
        ModelFile file = ModelFile.Open(path);
        LoadedModel? model = null;
        try
        {
            model = new LoadedModel(file, compute);
            if (file.ChatTemplateSource is { } source)
            {
                model.ChatTemplate = new ChatTemplate(source, model.Tokenizer);
            }

            return model;
        }
        catch
        {
            model?.Dispose();
            file.Dispose();
            throw;
        }
    }

    /// <summary>Bytes of weights that a decode step of one sequence reads: every layer, of its experts those that a row takes, and the output matrix.</summary>
    public long BytesPerStep => (long)File.Tensors.Where(tensor => tensor.Layer is not null).Sum(tensor => tensor.ByteLength * File.ActiveShareOf(tensor)) + _ends.Head!.Output.ByteLength;

    /// <summary>Weights of the layers that one row is computed with, without the ends.</summary>
    public long LayerParameters => (long)File.Tensors.Where(tensor => tensor.Layer is not null).Sum(tensor => tensor.ElementCount * File.ActiveShareOf(tensor));

    /// <summary>An executor of some layers in this process.</summary>
    public ILayerExecutor CreateExecutor(LayerRange layers, int kvTokens, int maxRows) => OwningExecutor.Create(File, layers, kvTokens, maxRows, _compute, _team);

    /// <summary>An executor that may be made while a generator is at work: it has threads of its own.</summary>
    public ILayerExecutor CreateExecutorBeside(LayerRange layers, int kvTokens, int maxRows) => OwningExecutor.Create(File, layers, kvTokens, maxRows, _compute, team: null);

    /// <summary>All layers in this process, cut where asked. One sequence takes no more positions than were asked for, though the cache has whole pages.</summary>
    public LocalLayerPath CreateLocalPath(IReadOnlyList<LayerRange> ranges, int kvTokens, int maxRows)
    {
        List<ILayerExecutor> executors = [];
        try
        {
            foreach (LayerRange range in ranges)
            {
                executors.Add(CreateExecutor(range, kvTokens, maxRows));
            }

            return new LocalLayerPath(executors, kvTokens);
        }
        catch
        {
            executors.ForEach(executor => executor.Dispose());
            throw;
        }
    }

    /// <summary>A generator on a path, which it borrows.</summary>
    public TextGenerator CreateGenerator(ILayerPath path, int maxRows, int maxSequences, TimeSpan admissionWait = default, TimeSpan recoveryWait = default) => new(
        path, _embedding, _head, Tokenizer, TimeProvider.System,
        new TextGeneratorOptions
        {
            MaxBatchRows = maxRows,
            PrefillChunkRows = maxRows / 2,
            MaxSequences = maxSequences,
            AdmissionWait = admissionWait,
            RecoveryWait = recoveryWait,
            EndOfGeneration = File.GenerationDefaults.EndOfGeneration,
        });

    /// <summary>Embeds tokens of one sequence, from a position on. Shape of the destination [tokens, hidden].</summary>
    public void Embed(ReadOnlySpan<TokenId> tokens, Span<float> hidden, int position = 0) => _embedding.Embed(tokens, hidden, position);

    /// <summary>Embeds the tokens of a batch. Shape of the destination [tokens, hidden].</summary>
    public void Embed(ReadOnlySpan<TokenId> tokens, ReadOnlySpan<SequenceRows> batch, Span<float> hidden) => _embedding.Embed(tokens, batch, hidden);

    /// <summary>Logits of hidden rows. Shape of the destination [rows, vocabulary].</summary>
    public void ComputeLogits(ReadOnlySpan<float> hidden, ReadOnlySpan<int> rows, Memory<float> logits) => _head.ComputeLogits(hidden, rows, logits);

    public void Dispose()
    {
        _head.Dispose();
        _team.Dispose();
        _ends.Dispose();
        File.Dispose();
    }
}
