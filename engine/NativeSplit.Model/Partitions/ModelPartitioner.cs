using NativeSplit.Model.Architectures;
using NativeSplit.Model.Files;
using NativeSplit.Model.Weights;

namespace NativeSplit.Model.Partitions;

/// <summary>Cuts an opened model at its layers, and copies the parts out. The same for every file format.</summary>
/// <param name="shape">Shape of the model.</param>
/// <param name="architecture">Its architecture.</param>
/// <param name="naming">What the format calls tensors.</param>
/// <param name="tied">Whether the head is the token embedding, whatever the file holds.</param>
/// <param name="store">The files; lent.</param>
internal sealed class ModelPartitioner(ModelShape shape, Architecture architecture, TensorNaming naming, bool tied, WeightStore store)
{
    private const int CopyBytes = 1 << 20;

    /// <summary>The cut. Every tensor of the files is in one partition.</summary>
    /// <param name="name">Name of the model.</param>
    /// <param name="fingerprint">Fingerprint of the files.</param>
    public PartitionedModel Describe(string name, ModelFingerprint fingerprint)
    {
        List<ModelPartition> partitions = [Lay(ModelPartitionKind.Embedding, 0)];
        for (int layer = 0; layer < shape.LayerCount; layer++)
        {
            partitions.Add(Lay(ModelPartitionKind.Layer, layer));
        }

        partitions.Add(Lay(ModelPartitionKind.Head, 0));
        return new PartitionedModel
        {
            Name = name,
            Fingerprint = fingerprint.Value,
            Format = naming.FormatName,
            ArchitectureName = naming.NameOf(architecture),
            IsTied = tied,
            Shape = shape,
            Partitions = partitions,
        };
    }

    /// <summary>Copies the bytes of a partition, gaps as zeros. Takes memory for one piece only.</summary>
    /// <param name="partition">A partition of <see cref="Describe"/>.</param>
    /// <param name="destination">Takes <see cref="ModelPartition.ByteLength"/> bytes.</param>
    public void Copy(ModelPartition partition, Stream destination)
    {
        Span<byte> gap = stackalloc byte[ModelPartition.Alignment];
        gap.Clear();
        long position = 0;
        foreach (PartitionTensor tensor in partition.Tensors)
        {
            destination.Write(gap[..(int)(tensor.Offset - position)]);
            StoredTensor stored = store.TryGet(tensor.Name, out StoredTensor? found) && found.Info.ByteLength == tensor.ByteLength
                ? found
                : throw new ArgumentException($"The partition {partition.Name} isn't one of this model: it has no tensor '{tensor.Name}' of {tensor.ByteLength} bytes.", nameof(partition));
            if (tensor.ByteLength > 0)
            {
                using var region = store.Map(stored.Part, stored.Offset, tensor.ByteLength);
                for (long copied = 0; copied < tensor.ByteLength; copied += CopyBytes)
                {
                    destination.Write(region.Borrow(copied, (int)Math.Min(CopyBytes, tensor.ByteLength - copied)));
                }
            }

            position = tensor.Offset + tensor.ByteLength;
        }
    }

    private ModelPartition Lay(ModelPartitionKind kind, int layer)
    {
        List<PartitionTensor> tensors = [];
        long end = 0;
        foreach (TensorInfo tensor in store.Tensors.Select(stored => stored.Info).Where(tensor => KindOf(tensor) == kind && (tensor.Layer ?? 0) == layer))
        {
            long offset = (end + ModelPartition.Alignment - 1) & -ModelPartition.Alignment;
            tensors.Add(new PartitionTensor(tensor.Name, tensor.TypeName, tensor.Shape, offset, tensor.ByteLength));
            end = offset + tensor.ByteLength;
        }

        return new ModelPartition(kind, layer, end, tensors);
    }

    private ModelPartitionKind KindOf(TensorInfo tensor) =>
        tensor.Layer is not null ? ModelPartitionKind.Layer
        : tensor.Name == naming.Output || tensor.Name == naming.FinalNorm || tensor.Name == naming.FinalNormBias ? ModelPartitionKind.Head
        : ModelPartitionKind.Embedding;
}
