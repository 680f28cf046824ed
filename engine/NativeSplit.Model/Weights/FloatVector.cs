using System.Buffers.Binary;
using NativeSplit.Kernels.Formats;

namespace NativeSplit.Model.Weights;

/// <summary>Widens stored vectors to float32.</summary>
internal static class FloatVector
{
    /// <summary>True for the types a vector may have.</summary>
    public static bool IsSupported(WeightType? type) => type is WeightType.F32 or WeightType.F16 or WeightType.BF16;

    /// <summary>Widens little-endian elements; exact for every type.</summary>
    /// <param name="bytes">The elements; any alignment.</param>
    /// <param name="type">F32, F16 or BF16.</param>
    /// <param name="count">Number of elements.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="type"/> is another type.</exception>
    public static float[] Widen(ReadOnlySpan<byte> bytes, WeightType type, int count)
    {
        float[] values = new float[count];
        for (int index = 0; index < count; index++)
        {
            values[index] = type switch
            {
                WeightType.F32 => BinaryPrimitives.ReadSingleLittleEndian(bytes[(4 * index)..]),
                WeightType.F16 => (float)BinaryPrimitives.ReadHalfLittleEndian(bytes[(2 * index)..]),
                WeightType.BF16 => BitConverter.UInt32BitsToSingle((uint)BinaryPrimitives.ReadUInt16LittleEndian(bytes[(2 * index)..]) << 16),
                _ => throw new ArgumentOutOfRangeException(nameof(type), type, "A vector is F32, F16 or BF16."),
            };
        }

        return values;
    }
}
