using System.Diagnostics.CodeAnalysis;
using System.Globalization;

namespace NativeSplit.Kernels.Ilgpu;

/// <summary>Through what a device is driven.</summary>
public enum DeviceKind
{
    /// <summary>NVIDIA's driver.</summary>
    Cuda,

    /// <summary>An OpenCL driver.</summary>
    OpenCL,

    /// <summary>ILGPU's interpreter of kernels on the processor: far too slow for more than tests.</summary>
    Emulator,
}

/// <summary>Names a device: <c>cuda:0</c>, <c>opencl:1</c>, <c>emulator:0</c>.</summary>
/// <param name="Kind">Driver.</param>
/// <param name="Index">Number among the driver's devices, from 0.</param>
public readonly record struct DeviceId(DeviceKind Kind, int Index)
{
    /// <summary>Reads a name; the number may be left out for 0.</summary>
    public static bool TryParse([NotNullWhen(true)] string? text, out DeviceId id)
    {
        id = default;
        string[] parts = text?.Split(':') ?? [];
        int index = 0;
        if (parts.Length is not (1 or 2) || (parts.Length == 2 && !int.TryParse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture, out index)))
        {
            return false;
        }

        foreach (DeviceKind kind in Enum.GetValues<DeviceKind>())
        {
            if (NameOf(kind) == parts[0])
            {
                id = new DeviceId(kind, index);
                return true;
            }
        }

        return false;
    }

    /// <inheritdoc/>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{NameOf(Kind)}:{Index}");

    internal static string NameOf(DeviceKind kind) => kind switch
    {
        DeviceKind.Cuda => "cuda",
        DeviceKind.OpenCL => "opencl",
        _ => "emulator",
    };
}
