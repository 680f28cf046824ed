using NativeSplit.Kernels.Formats;
using NativeSplit.Kernels.Ilgpu.Portable;

namespace NativeSplit.Kernels.Ilgpu;

/// <summary>A matrix of weights on a device, in its quantised blocks with quants and scales apart. Lent by the <see cref="DeviceMemory"/> it lies in.</summary>
public sealed class DeviceMatrix
{
    internal DeviceMatrix(WeightType type, int rows, int columns, DeviceArray<int> quants, DeviceArray<int> scales, ProductKernel kernel)
    {
        Type = type;
        Rows = rows;
        Columns = columns;
        Quants = quants;
        Scales = scales;
        Kernel = kernel;
    }

    /// <summary>Block format.</summary>
    public WeightType Type { get; }

    /// <summary>Outputs.</summary>
    public int Rows { get; }

    /// <summary>Inputs.</summary>
    public int Columns { get; }

    internal DeviceArray<int> Quants { get; }

    internal DeviceArray<int> Scales { get; }

    internal ProductKernel Kernel { get; }

    internal ProductShape Shape(int inputs, Epilogue epilogue, bool hasBias) => new()
    {
        Columns = Columns,
        Rows = Rows,
        QuantsPerRow = Quants.Length / Rows,
        ScalesPerRow = Scales.Length / Rows,
        Inputs = inputs,
        Epilogue = (int)epilogue,
        HasBias = hasBias ? 1 : 0,
    };
}
