using ILGPU;

namespace NativeSplit.Kernels.Ilgpu;

/// <summary>A run of elements on a device; lent by the <see cref="DeviceMemory"/> it lies in, dead when that is disposed.</summary>
/// <typeparam name="T">Float or int.</typeparam>
public sealed class DeviceArray<T>
    where T : unmanaged
{
    internal DeviceArray(ArrayView<T> view) => View = view;

    /// <summary>Elements.</summary>
    public int Length => checked((int)View.Length);

    internal ArrayView<T> View { get; }
}
