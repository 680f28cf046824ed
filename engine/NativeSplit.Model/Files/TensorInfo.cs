namespace NativeSplit.Model.Files;

/// <summary>One tensor in a file's directory.</summary>
/// <param name="Name">Name in the file.</param>
/// <param name="TypeName">Type as the file names it (<c>Q4_K</c>, <c>BF16</c>), supported or not.</param>
/// <param name="Shape">Extents, outermost first: [rows, columns] for a matrix.</param>
/// <param name="ByteLength">Bytes in the file.</param>
/// <param name="Layer">Layer it belongs to, or null for the ends.</param>
public sealed record TensorInfo(string Name, string TypeName, IReadOnlyList<long> Shape, long ByteLength, int? Layer)
{
    /// <summary>Elements in the tensor.</summary>
    public long ElementCount => Shape.Aggregate(1L, (product, extent) => product * extent);
}
