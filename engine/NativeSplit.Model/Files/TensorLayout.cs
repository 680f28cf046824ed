namespace NativeSplit.Model.Files;

/// <summary>Rules about how tensors may lie in a file.</summary>
internal static class TensorLayout
{
    /// <summary>Requires that no two tensors share a byte.</summary>
    /// <param name="source">File name for the message.</param>
    /// <param name="tensors">Name, first byte and length of every tensor of one file.</param>
    /// <exception cref="ModelException">Two overlap.</exception>
    public static void RequireDisjoint(string source, IEnumerable<(string Name, long Offset, long ByteLength)> tensors)
    {
        (string Name, long Offset, long ByteLength) last = (string.Empty, 0, 0);
        foreach (var tensor in tensors.Where(tensor => tensor.ByteLength > 0).OrderBy(tensor => tensor.Offset))
        {
            if (tensor.Offset < last.Offset + last.ByteLength)
            {
                throw new ModelException(
                    ModelFault.Corrupt,
                    $"{source}: tensors '{last.Name}' (bytes {last.Offset} to {last.Offset + last.ByteLength}) and '{tensor.Name}' (from byte {tensor.Offset}) overlap. The file is damaged; download or convert it again.");
            }

            last = tensor;
        }
    }
}
