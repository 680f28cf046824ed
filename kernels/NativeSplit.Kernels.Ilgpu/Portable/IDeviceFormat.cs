using ILGPU;

namespace NativeSplit.Kernels.Ilgpu.Portable;

/// <summary>Four neighbouring floats; loaded at once where the device can.</summary>
internal struct Quad
{
    public float X;
    public float Y;
    public float Z;
    public float W;
}

/// <summary>A unit of eight unpacked weights: two runs of four neighbouring columns.</summary>
internal struct Octet
{
    public Quad A;
    public Quad B;
}

/// <summary>How the weights of a type lie on the device, and how a thread unpacks them into registers.</summary>
/// <remarks>
/// A row is two runs of 32-bit words: the quants as they are stored, and the scales, moved apart so that neighbouring threads
/// read neighbouring words. Unit u of a row is eight weights; their columns depend on the type. Values are exactly those
/// that the scalar kernel set widens to, where products and differences round separately.
/// </remarks>
internal interface IDeviceFormat
{
    /// <summary>First column of the first run.</summary>
    int ColumnA(int unit);

    /// <summary>First column of the second run.</summary>
    int ColumnB(int unit);

    /// <summary>Unpacks a unit.</summary>
    /// <param name="quants">Words of all rows.</param>
    /// <param name="quantStart">Word where the row's quants start.</param>
    /// <param name="scales">Words of all rows.</param>
    /// <param name="scaleStart">Word where the row's scales start.</param>
    /// <param name="unit">Unit of the row.</param>
    Octet Load(ArrayView<int> quants, int quantStart, ArrayView<int> scales, int scaleStart, int unit);
}
