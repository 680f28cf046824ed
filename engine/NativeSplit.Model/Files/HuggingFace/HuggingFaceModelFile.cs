using System.Security.Cryptography;
using NativeSplit.Model.Architectures;
using NativeSplit.Model.Partitions;
using NativeSplit.Model.Tokenization;
using NativeSplit.Model.Weights;

namespace NativeSplit.Model.Files.HuggingFace;

/// <summary>A model in a Hugging Face directory: configuration, safetensors and tokenizer side by side.</summary>
internal sealed class HuggingFaceModelFile : ModelFile
{
    private const string ConfigName = "config.json";

    private readonly WeightStore _store;
    private readonly WeightLoader _loader;
    private readonly ModelPartitioner _partitioner;
    private bool _disposed;

    private HuggingFaceModelFile(string directory, byte[] configBytes)
    {
        Path = directory;
        Name = System.IO.Path.GetFileName(System.IO.Path.TrimEndingDirectorySeparator(System.IO.Path.GetFullPath(directory)));
        var json = JsonSection.Parse(configBytes, System.IO.Path.Combine(directory, ConfigName));
        var config = HuggingFaceConfig.Read(json);
        Shape = config.Shape;
        GenerationDefaults = HuggingFaceExtras.ReadGenerationDefaults(directory, json);
        ChatTemplateSource = HuggingFaceExtras.ReadChatTemplate(directory);
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(configBytes);
        var files = SafetensorsSet.Open(directory, Shape.LayerCount, hash);
        Fingerprint = new(Convert.ToHexStringLower(hash.GetHashAndReset()));
        Tensors = [.. files.Tensors.Select(tensor => tensor.Info)];
        _store = new WeightStore(files.Parts, files.Tensors);
        _loader = new WeightLoader(directory, Shape, config.Architecture, TensorNaming.HuggingFace, config.IsTied, _store);
        _partitioner = new ModelPartitioner(Shape, config.Architecture, TensorNaming.HuggingFace, config.IsTied, _store);
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

    /// <summary>Opens a directory.</summary>
    /// <exception cref="ModelException">It has no usable model.</exception>
    public static HuggingFaceModelFile OpenDirectory(string directory)
    {
        string config = System.IO.Path.Combine(directory, ConfigName);
        if (File.Exists(config))
        {
            return new(directory, JsonSection.ReadBytes(config));
        }

        string? gguf = Directory.EnumerateFiles(directory, "*.gguf").Order(StringComparer.Ordinal).FirstOrDefault();
        throw new ModelException(
            ModelFault.NotFound, gguf is null
                ? $"{directory} has no {ConfigName}, so it isn't the directory of a Hugging Face model. Name another directory, or a .gguf file."
                : $"{directory} has no {ConfigName}, so it isn't the directory of a Hugging Face model. Name a file in it: {gguf}");
    }

    /// <inheritdoc/>
    public override Tokenizer LoadTokenizer() => TokenizerFactory.FromHuggingFace(Path);

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
}
