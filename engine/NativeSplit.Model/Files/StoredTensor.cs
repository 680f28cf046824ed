using NativeSplit.Kernels.Formats;

namespace NativeSplit.Model.Files;

/// <summary>Where a tensor lies and what it is made of.</summary>
/// <param name="Info">Its entry in the public directory.</param>
/// <param name="Type">Its type, or null when the kernels don't know it.</param>
/// <param name="Part">Index of the file that holds it.</param>
/// <param name="Offset">Its first byte in that file.</param>
internal sealed record StoredTensor(TensorInfo Info, WeightType? Type, int Part, long Offset)
{
    /// <summary>One past its last byte in the file.</summary>
    public long End => Offset + Info.ByteLength;

    /// <summary>Turns a type's name into the kernels' type.</summary>
    /// <returns>Null when the kernels don't know it.</returns>
    public static WeightType? TypeOf(string name) =>
        Enum.TryParse(name, ignoreCase: false, out WeightType type) && BlockFormat.TryGet(type, out _) ? type : null;
}
