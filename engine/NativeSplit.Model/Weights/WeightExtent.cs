using NativeSplit.Model.Files;

namespace NativeSplit.Model.Weights;

/// <summary>A stretch of a file that is mapped as one.</summary>
/// <param name="Part">Index of the file.</param>
/// <param name="Offset">First byte.</param>
/// <param name="Length">Bytes.</param>
internal readonly record struct WeightExtent(int Part, long Offset, long Length)
{
    /// <summary>True when a tensor lies inside.</summary>
    public bool Contains(StoredTensor tensor) => tensor.Part == Part && tensor.Offset >= Offset && tensor.End <= Offset + Length;

    /// <summary>Plans what to map: neighbours of one layer together, never a byte of a tensor that wasn't chosen.</summary>
    /// <param name="tensors">The chosen tensors, each once.</param>
    /// <param name="parts">The files.</param>
    /// <returns>Disjoint extents, by file and offset.</returns>
    public static List<WeightExtent> Plan(IEnumerable<StoredTensor> tensors, IReadOnlyList<WeightPart> parts)
    {
        var extents = new List<WeightExtent>();
        StoredTensor? last = null;
        foreach (var tensor in tensors.OrderBy(tensor => tensor.Part).ThenBy(tensor => tensor.Offset))
        {
            if (last is not null && AreNeighbours(last, tensor, parts[tensor.Part].Alignment))
            {
                extents[^1] = extents[^1] with { Length = tensor.End - extents[^1].Offset };
            }
            else
            {
                extents.Add(new(tensor.Part, tensor.Offset, tensor.Info.ByteLength));
            }

            last = tensor;
        }

        return extents;
    }

    // A gap shorter than the alignment is padding: no tensor can start in it.
    private static bool AreNeighbours(StoredTensor first, StoredTensor second, long alignment) =>
        first.Part == second.Part && first.Info.Layer == second.Info.Layer && second.Offset - first.End < alignment;
}
