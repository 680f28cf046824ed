namespace NativeSplit.Model.Partitions;

/// <summary>Which part of the chain a partition is.</summary>
public enum ModelPartitionKind
{
    /// <summary>Token embedding, learned positions, and what belongs to no layer and not to the head.</summary>
    Embedding,

    /// <summary>One transformer layer.</summary>
    Layer,

    /// <summary>Final norm and LM head.</summary>
    Head,
}

/// <summary>A tensor inside a partition.</summary>
/// <param name="Name">Name in the file it was cut from.</param>
/// <param name="TypeName">Type as that file names it.</param>
/// <param name="Shape">Extents, outermost first.</param>
/// <param name="Offset">First byte in the partition; a multiple of <see cref="ModelPartition.Alignment"/>.</param>
/// <param name="ByteLength">Bytes.</param>
public sealed record PartitionTensor(string Name, string TypeName, IReadOnlyList<long> Shape, long Offset, long ByteLength);

/// <summary>The tensors of one unit of the chain, one behind the other with zero bytes between.</summary>
/// <param name="Kind">Which part of the chain.</param>
/// <param name="Layer">The layer; 0 for the ends.</param>
/// <param name="ByteLength">Bytes in all.</param>
/// <param name="Tensors">The tensors, by offset.</param>
public sealed record ModelPartition(ModelPartitionKind Kind, int Layer, long ByteLength, IReadOnlyList<PartitionTensor> Tensors)
{
    /// <summary>Every tensor starts at a multiple of it: a cache line, the widest vector.</summary>
    public const int Alignment = 64;

    /// <summary>Name for people: <c>embedding</c>, <c>layer-7</c>, <c>head</c>.</summary>
    public string Name => Kind switch
    {
        ModelPartitionKind.Embedding => "embedding",
        ModelPartitionKind.Head => "head",
        _ => $"layer-{Layer}",
    };
}

/// <summary>Everything a node must know of a model to run some of its partitions, without the file they were cut from.</summary>
public sealed record PartitionedModel
{
    /// <summary>Name for people.</summary>
    public required string Name { get; init; }

    /// <summary>Fingerprint of the file the partitions were cut from.</summary>
    public required string Fingerprint { get; init; }

    /// <summary>Format of that file, which names the tensors: <c>gguf</c> or <c>huggingface</c>.</summary>
    public required string Format { get; init; }

    /// <summary>What that format calls the architecture.</summary>
    public required string ArchitectureName { get; init; }

    /// <summary>Whether the head is the token embedding, whatever the file holds.</summary>
    public required bool IsTied { get; init; }

    /// <summary>Shape of the model.</summary>
    public required ModelShape Shape { get; init; }

    /// <summary>Embedding, every layer in order, head.</summary>
    public required IReadOnlyList<ModelPartition> Partitions { get; init; }
}
