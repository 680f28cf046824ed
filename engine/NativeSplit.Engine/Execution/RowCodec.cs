using NativeSplit.Kernels;

namespace NativeSplit.Engine.Execution;

/// <summary>Writes and reads rows of the residual stream in a <see cref="RowEncoding"/>, little-endian.</summary>
public static class RowCodec
{
    /// <summary>True when the number stands for an encoding.</summary>
    public static bool IsKnown(byte encoding) => encoding <= (byte)RowEncoding.F16;

    /// <summary>Bytes of one row.</summary>
    /// <param name="encoding">The encoding.</param>
    /// <param name="columns">Elements of a row.</param>
    public static int RowBytes(RowEncoding encoding, int columns) => checked(columns * (encoding == RowEncoding.F32 ? 4 : 2));

    /// <summary>Writes rows.</summary>
    /// <param name="encoding">The encoding.</param>
    /// <param name="rows">Any number of whole rows.</param>
    /// <param name="destination">Exactly the bytes that <see cref="RowBytes"/> gives for them. May not overlap.</param>
    public static void Encode(RowEncoding encoding, ReadOnlySpan<float> rows, Span<byte> destination)
    {
        switch (encoding)
        {
            case RowEncoding.F32:
                Conversion.WriteFloat32(rows, destination);
                break;
            case RowEncoding.BF16:
                Conversion.WriteBFloat16(rows, destination);
                break;
            case RowEncoding.F16:
                Conversion.WriteFloat16(rows, destination);
                break;
            default:
                throw new ArgumentOutOfRangeException(nameof(encoding), encoding, "Unknown row encoding.");
        }
    }

    /// <summary>Reads rows.</summary>
    /// <param name="encoding">The encoding.</param>
    /// <param name="source">Bytes of whole rows.</param>
    /// <param name="rows">Exactly as many elements. May not overlap.</param>
    public static void Decode(RowEncoding encoding, ReadOnlySpan<byte> source, Span<float> rows)
    {
        switch (encoding)
        {
            case RowEncoding.F32:
                Conversion.ReadFloat32(source, rows);
                break;
            case RowEncoding.BF16:
                Conversion.ReadBFloat16(source, rows);
                break;
            case RowEncoding.F16:
                Conversion.ReadFloat16(source, rows);
                break;
            default:
                throw new ArgumentOutOfRangeException(nameof(encoding), encoding, "Unknown row encoding.");
        }
    }
}
