using NativeSplit.Model.Files.Gguf;
using NativeSplit.Model.Files.HuggingFace;
using NativeSplit.Model.Partitions;
using NativeSplit.Model.Tokenization;
using NativeSplit.Model.Weights;

namespace NativeSplit.Model.Files;

/// <summary>An opened model: its shape and directory of tensors. Weights are mapped only by <see cref="Load"/>.</summary>
/// <remarks>Thread-safe after opening. Weights loaded from it stay valid after it is disposed.</remarks>
public abstract class ModelFile : IDisposable
{
    /// <summary>Path it was opened from.</summary>
    public abstract string Path { get; }

    /// <summary>Name for people and for the API: <c>general.name</c>, else the file name without extension.</summary>
    public abstract string Name { get; }

    /// <summary>Shape of the model.</summary>
    public abstract ModelShape Shape { get; }

    /// <summary>Every tensor of the file, in file order.</summary>
    public abstract IReadOnlyList<TensorInfo> Tensors { get; }

    /// <summary>SHA-256 over the file's directory (metadata and tensor table, not the weights): tells two models apart at no cost.</summary>
    public abstract ModelFingerprint Fingerprint { get; }

    /// <summary>What to sample with when a request doesn't say.</summary>
    public abstract GenerationDefaults GenerationDefaults { get; }

    /// <summary>The Jinja chat template, or null when the model has none.</summary>
    public abstract string? ChatTemplateSource { get; }

    /// <summary>Opens a GGUF file (or any part of a split set) or a Hugging Face directory.</summary>
    /// <param name="path">File or directory.</param>
    /// <exception cref="ModelException">It can't be used; the message says why and how to mend it.</exception>
    public static ModelFile Open(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        try
        {
            if (Directory.Exists(path))
            {
                return HuggingFaceModelFile.OpenDirectory(path);
            }

            return File.Exists(path)
                ? GgufModelFile.OpenFile(path)
                : throw new ModelException(ModelFault.NotFound, $"There is no file or directory {path}. Check the name.");
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new ModelException(ModelFault.NotFound, $"{path} can't be read: {exception.Message}", exception);
        }
    }

    /// <summary>Weights in the file, over all tensors.</summary>
    public long ParameterCount => Tensors.Sum(tensor => tensor.ElementCount);

    /// <summary>Bytes of every tensor of one layer.</summary>
    /// <param name="layer">The layer, from 0.</param>
    /// <exception cref="ArgumentOutOfRangeException">The model has no such layer.</exception>
    public long BytesOfLayer(int layer)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(layer);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(layer, Shape.LayerCount);
        return Tensors.Where(tensor => tensor.Layer == layer).Sum(tensor => tensor.ByteLength);
    }

    /// <summary>Share of a tensor that one row is computed with: all of it, but for the matrices of experts, of which a row takes a few.</summary>
    /// <param name="tensor">A tensor of the model.</param>
    public double ActiveShareOf(TensorInfo tensor)
    {
        ArgumentNullException.ThrowIfNull(tensor);
        bool ofExperts = Shape.Experts is not null && (tensor.Name.Contains("_exps.", StringComparison.Ordinal) || tensor.Name.Contains(".experts.", StringComparison.Ordinal));
        return ofExperts ? (double)Shape.Experts!.PerToken / Shape.Experts.Count : 1;
    }

    /// <summary>Builds the tokenizer. Costly for large vocabularies: call once and keep it.</summary>
    /// <exception cref="ModelException">The file has no tokenizer, or one of an unsupported kind.</exception>
    public abstract Tokenizer LoadTokenizer();

    /// <summary>Maps the weights of a selection, and no byte of any other tensor (but for the ends of pages).</summary>
    /// <param name="selection">What to load.</param>
    /// <returns>The weights; the caller owns them.</returns>
    /// <exception cref="ModelException">A tensor is missing, has the wrong shape, or an unsupported type.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The layers aren't all in the model.</exception>
    public abstract ModelWeights Load(WeightSelection selection);

    /// <summary>Opens a model of which only a description is here. Weights are fetched, whole partitions at a time, when they are loaded.</summary>
    /// <param name="path">Where it comes from, for messages.</param>
    /// <param name="model">The description.</param>
    /// <param name="open">Opens the bytes of a partition; the stream must fail rather than end when they aren't the ones described.</param>
    /// <exception cref="ModelException">The description is absurd.</exception>
    public static ModelFile OpenPartitioned(string path, PartitionedModel model, Func<ModelPartition, Stream> open)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(open);
        return new PartitionedModelFile(path, model, open);
    }

    /// <summary>Describes the model cut at its layers: every tensor in one partition.</summary>
    public abstract PartitionedModel DescribePartitions();

    /// <summary>Copies the bytes of a partition. Takes memory for one piece at a time.</summary>
    /// <param name="partition">A partition of <see cref="DescribePartitions"/>.</param>
    /// <param name="destination">Takes <see cref="ModelPartition.ByteLength"/> bytes.</param>
    /// <exception cref="ArgumentException">The partition is one of another model.</exception>
    public void CopyPartition(ModelPartition partition, Stream destination)
    {
        ArgumentNullException.ThrowIfNull(partition);
        ArgumentNullException.ThrowIfNull(destination);
        CopyPartitionCore(partition, destination);
    }

    /// <summary>Copies after the arguments were checked.</summary>
    protected abstract void CopyPartitionCore(ModelPartition partition, Stream destination);

    /// <inheritdoc/>
    public void Dispose()
    {
        Dispose(disposing: true);
        GC.SuppressFinalize(this);
    }

    /// <summary>Closes the files.</summary>
    protected virtual void Dispose(bool disposing)
    {
    }
}
