using NativeSplit.Kernels.Formats;
using NativeSplit.Kernels.Memory;
using NativeSplit.Model.Architectures;
using NativeSplit.Model.Files;
using NativeSplit.Model.Tokenization;
using NativeSplit.Model.Weights;

namespace NativeSplit.Model.Partitions;

/// <summary>A model whose partitions are fetched one by one, when weights in them are loaded. It has no tokenizer: who runs layers needs none.</summary>
internal sealed class PartitionedModelFile : ModelFile
{
    private const int ReadBytes = 1 << 20;

    private readonly PartitionedModel _model;
    private readonly Func<ModelPartition, Stream> _open;
    private readonly WeightStore _store;
    private readonly WeightLoader _loader;
    private readonly ModelPartitioner _partitioner;
    private bool _disposed;

    /// <summary>Judges a description and opens the model by it.</summary>
    /// <exception cref="ModelException">The description is absurd.</exception>
    public PartitionedModelFile(string path, PartitionedModel model, Func<ModelPartition, Stream> open)
    {
        Path = path;
        _model = model;
        _open = open;
        TensorNaming naming = TensorNaming.OfFormat(model.Format, path);
        Architecture architecture = naming.Find(model.ArchitectureName, path);

        // What was read from a file isn't the one record that stands for "no rotation", only equal to it.
        ModelShape shape = model.Shape.Rope.Dimensions == 0 ? model.Shape with { Rope = RopeParameters.None } : model.Shape;
        Shape = ShapeRules.Require(shape, path);
        List<StoredTensor> tensors = [];
        for (int part = 0; part < model.Partitions.Count; part++)
        {
            tensors.AddRange(Read(model.Partitions[part], part, naming));
        }

        if (tensors.Select(tensor => tensor.Info.Name).ToHashSet(StringComparer.Ordinal).Count != tensors.Count)
        {
            throw Absurd("names a tensor twice");
        }

        WeightPart[] parts = [.. model.Partitions.Select(partition => new WeightPart($"{path}, {partition.Name}", partition.ByteLength, ModelPartition.Alignment))];
        _store = new WeightStore(parts, tensors, Fetch);
        _loader = new WeightLoader(path, Shape, architecture, naming, model.IsTied, _store);
        _partitioner = new ModelPartitioner(Shape, architecture, naming, model.IsTied, _store);
        Tensors = [.. tensors.Select(tensor => tensor.Info)];
    }

    /// <inheritdoc/>
    public override string Path { get; }

    /// <inheritdoc/>
    public override string Name => _model.Name;

    /// <inheritdoc/>
    public override ModelShape Shape { get; }

    /// <inheritdoc/>
    public override IReadOnlyList<TensorInfo> Tensors { get; }

    /// <inheritdoc/>
    public override ModelFingerprint Fingerprint => new(_model.Fingerprint);

    /// <inheritdoc/>
    public override GenerationDefaults GenerationDefaults => GenerationDefaults.None;

    /// <inheritdoc/>
    public override string? ChatTemplateSource => null;

    /// <inheritdoc/>
    public override Tokenizer LoadTokenizer() => throw new ModelException(
        ModelFault.Unsupported, $"{Path} holds the weights of '{Name}' without its tokenizer, for workers. Name the model's own file.");

    /// <inheritdoc/>
    public override ModelWeights Load(WeightSelection selection)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        return _loader.Load(selection);
    }

    /// <inheritdoc/>
    public override PartitionedModel DescribePartitions() => _partitioner.Describe(Name, Fingerprint);

    /// <inheritdoc/>
    protected override void CopyPartitionCore(ModelPartition partition, Stream destination) => _partitioner.Copy(partition, destination);

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

    private List<StoredTensor> Read(ModelPartition partition, int part, TensorNaming naming)
    {
        List<StoredTensor> tensors = [];
        long end = 0;
        foreach (PartitionTensor tensor in partition.Tensors)
        {
            int? layer = naming.LayerOf(tensor.Name, Shape.LayerCount);
            if (layer != (partition.Kind == ModelPartitionKind.Layer ? partition.Layer : null))
            {
                throw Absurd($"puts tensor '{tensor.Name}' into {partition.Name}");
            }

            if (tensor.Offset < end || tensor.ByteLength < 0 || tensor.ByteLength > partition.ByteLength - tensor.Offset || tensor.Shape.Count == 0 || tensor.Shape.Any(extent => extent < 1))
            {
                throw Absurd($"lays tensor '{tensor.Name}' at bytes {tensor.Offset} to {tensor.Offset + tensor.ByteLength} of the {partition.ByteLength} of {partition.Name}");
            }

            end = tensor.Offset + tensor.ByteLength;
            var info = new TensorInfo(tensor.Name, tensor.TypeName, tensor.Shape, tensor.ByteLength, layer);
            WeightType? type = StoredTensor.TypeOf(tensor.TypeName);
            if (type is { } known && !Fits(info, known))
            {
                throw Absurd($"gives the {tensor.TypeName} tensor '{tensor.Name}' [{string.Join(", ", tensor.Shape)}] {tensor.ByteLength} bytes");
            }

            tensors.Add(new StoredTensor(info, type, part, tensor.Offset));
        }

        return tensors;
    }

    private static bool Fits(TensorInfo tensor, WeightType type)
    {
        BlockFormat format = BlockFormat.Of(type);
        Int128 elements = tensor.Shape.Aggregate(Int128.One, (product, extent) => product > long.MaxValue ? product : product * extent);
        return tensor.Shape[^1] % format.BlockLength == 0 && elements / format.BlockLength * format.BlockBytes == tensor.ByteLength;
    }

    /// <summary>Fetches a stretch of a partition. The stream is read to its end: only then it has vouched for every byte.</summary>
    private NativeMemoryRegion Fetch(int part, long offset, long length)
    {
        ModelPartition partition = _model.Partitions[part];
        NativeMemoryRegion region = NativeMemoryRegion.Allocate(length);
        try
        {
            using Stream stream = _open(partition);
            Skip(stream, offset);
            for (long done = 0; done < length; done += ReadBytes)
            {
                stream.ReadExactly(region.BorrowWritable(done, (int)Math.Min(ReadBytes, length - done)));
            }

            Skip(stream, partition.ByteLength - offset - length);
            return stream.ReadByte() < 0
                ? region
                : throw new ModelException(ModelFault.Corrupt, $"{Path}: {partition.Name} is longer than its {partition.ByteLength} bytes. Push the model again.");
        }
        catch (EndOfStreamException e)
        {
            region.Dispose();
            throw new ModelException(ModelFault.Corrupt, $"{Path}: {partition.Name} ends before its {partition.ByteLength} bytes. Push the model again.", e);
        }
        catch
        {
            region.Dispose();
            throw;
        }
    }

    private static void Skip(Stream stream, long count)
    {
        byte[] rest = new byte[(int)Math.Min(count, 1 << 16)];
        for (; count > 0; count -= Math.Min(count, rest.Length))
        {
            stream.ReadExactly(rest.AsSpan(0, (int)Math.Min(count, rest.Length)));
        }
    }

    private ModelException Absurd(string what) => new(ModelFault.Corrupt, $"{Path}: the description of '{_model.Name}' {what}. Push the model again.");
}
