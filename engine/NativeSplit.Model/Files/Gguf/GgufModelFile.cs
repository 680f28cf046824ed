using NativeSplit.Model.Architectures;
using NativeSplit.Model.Partitions;
using NativeSplit.Model.Tokenization;
using NativeSplit.Model.Weights;

namespace NativeSplit.Model.Files.Gguf;

/// <summary>A model in GGUF files.</summary>
internal sealed class GgufModelFile : ModelFile
{
    private readonly GgufMetadata _metadata;
    private readonly WeightStore _store;
    private readonly WeightLoader _loader;
    private readonly ModelPartitioner _partitioner;
    private bool _disposed;

    private GgufModelFile(string path, GgufSplitSet files)
    {
        Path = path;
        Fingerprint = files.Fingerprint;
        _metadata = files.Parts[0].Metadata;
        Name = _metadata.TryGetString("general.name", out string name) && !string.IsNullOrWhiteSpace(name) ? name : GgufSplitSet.NameOf(path);
        if (!_metadata.TryGetString("general.architecture", out string architectureName))
        {
            throw new ModelException(ModelFault.Corrupt, $"{path}: key 'general.architecture' is missing, so it isn't a language model. Name another file.");
        }

        var architecture = Architecture.OfGguf(architectureName, path);
        int layers = _metadata.TryGetInteger($"{architecture.Name}.block_count", out long count) ? (int)Math.Clamp(count, 0, int.MaxValue) : 0;
        WeightPart[] parts = [.. files.Paths.Zip(files.Parts, (file, directory) => new WeightPart(file, directory.FileLength, directory.Alignment))];
        _store = new WeightStore(parts, [.. files.Parts.SelectMany((directory, part) => directory.Tensors.Select(tensor => Store(tensor, part, layers)))]);
        try
        {
            Shape = new GgufShape(_metadata, architecture).Read(FindEmbeddingRows(), ReadRopeFrequencies());
            ChatTemplateSource = ReadChatTemplate(_metadata);
            GenerationDefaults = ReadGenerationDefaults(_metadata);
        }
        catch
        {
            _store.Dispose();
            throw;
        }

        _loader = new WeightLoader(path, Shape, architecture, TensorNaming.Gguf, tied: false, _store);
        _partitioner = new ModelPartitioner(Shape, architecture, TensorNaming.Gguf, tied: false, _store);
        Tensors = [.. _store.Tensors.Select(tensor => tensor.Info)];
    }

    /// <inheritdoc/>
    public override string Path { get; }

    /// <inheritdoc/>
    public override string Name { get; }

    /// <inheritdoc/>
    public override ModelShape Shape { get; }

    /// <inheritdoc/>
    public override IReadOnlyList<TensorInfo> Tensors { get; }

    /// <inheritdoc/>
    public override ModelFingerprint Fingerprint { get; }

    /// <inheritdoc/>
    public override GenerationDefaults GenerationDefaults { get; }

    /// <inheritdoc/>
    public override string? ChatTemplateSource { get; }

    /// <summary>Opens a file, and the rest of its set.</summary>
    public static GgufModelFile OpenFile(string path) => new(path, GgufSplitSet.Open(path));

    /// <inheritdoc/>
    public override Tokenizer LoadTokenizer() => TokenizerFactory.FromGguf(_metadata);

    /// <inheritdoc/>
    public override ModelWeights Load(WeightSelection selection)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        return _loader.Load(selection);
    }

    /// <inheritdoc/>
    public override PartitionedModel DescribePartitions() => _partitioner.Describe(Name, Fingerprint);

    /// <inheritdoc/>
    protected override void CopyPartitionCore(ModelPartition partition, Stream destination)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        _partitioner.Copy(partition, destination);
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _disposed = true;
            _store.Dispose();
        }

        base.Dispose(disposing);
    }

    private static StoredTensor Store(GgufTensor tensor, int part, int layers)
    {
        int? layer = TensorNaming.Gguf.LayerOf(tensor.Name, layers);
        return new(new(tensor.Name, tensor.Type.Name, tensor.Shape, tensor.ByteLength, layer), StoredTensor.TypeOf(tensor.Type.Name), part, tensor.Offset);
    }

    private static string? ReadChatTemplate(GgufMetadata metadata) =>
        metadata.TryGetString("tokenizer.chat_template", out string template) ? template : null;

    private static GenerationDefaults ReadGenerationDefaults(GgufMetadata metadata)
    {
        return new GenerationDefaults
        {
            Temperature = Number("general.sampling.temp"),
            TopK = metadata.TryGetInteger("general.sampling.top_k", out long topK) && topK is > 0 and <= int.MaxValue ? (int)topK : null,
            TopP = Number("general.sampling.top_p"),
            MinP = Number("general.sampling.min_p"),
            RepetitionPenalty = Number("general.sampling.penalty_repeat"),
        };

        float? Number(string key) => metadata.TryGetNumber(key, out double value) ? SamplingRange.Require((float)value, metadata.Source, key) : null;
    }

    private long? FindEmbeddingRows() =>
        _store.TryGet(TensorNaming.Gguf.TokenEmbedding, out var embedding) && embedding.Info.Shape.Count >= 2 ? embedding.Info.Shape[^2] : null;

    private float[] ReadRopeFrequencies()
    {
        if (!_store.TryGet(TensorNaming.Gguf.RopeFrequencies!, out var tensor))
        {
            return [];
        }

        long count = tensor.Info.Shape[^1];
        if (!FloatVector.IsSupported(tensor.Type) || count > 1 << 16 || tensor.Info.Shape.Any(extent => extent != count && extent != 1))
        {
            throw new ModelException(
                ModelFault.Corrupt, $"{Path}: tensor '{tensor.Info.Name}' is {tensor.Info.TypeName} [{string.Join(", ", tensor.Info.Shape)}], expected a short float vector. Convert the model again.");
        }

        using var region = _store.Map(tensor.Part, tensor.Offset, tensor.Info.ByteLength);
        return FloatVector.Widen(region.Borrow(0, (int)tensor.Info.ByteLength), tensor.Type!.Value, (int)count);
    }
}
