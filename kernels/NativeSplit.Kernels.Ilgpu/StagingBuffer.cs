using System.Runtime.InteropServices;
using ILGPU.Runtime;
using NativeSplit.Kernels.Ilgpu.Devices;

namespace NativeSplit.Kernels.Ilgpu;

/// <summary>A buffer that lies on the device and, pinned, in the processor's memory; lent by the <see cref="DeviceMemory"/> that made it.</summary>
/// <remarks>Transfers are put in the device's queue like launches. The host side may be touched again after <see cref="ComputeDevice.Synchronize"/>.</remarks>
public sealed class StagingBuffer
{
    private readonly ComputeDevice _device;
    private readonly PageLockedArray1D<float> _here;

    internal StagingBuffer(ComputeDevice device, DeviceArray<float> there, PageLockedArray1D<float> here)
    {
        _device = device;
        _here = here;
        Device = there;
        DeviceWords = new DeviceArray<int>(there.View.Cast<int>());
    }

    /// <summary>The device's side.</summary>
    public DeviceArray<float> Device { get; }

    /// <summary>The device's side as words, from the same start.</summary>
    public DeviceArray<int> DeviceWords { get; }

    /// <summary>The processor's side; lent.</summary>
    public Span<float> Host => _here.Span;

    /// <summary>The processor's side as words.</summary>
    public Span<int> HostWords => MemoryMarshal.Cast<float, int>(_here.Span);

    /// <summary>Queues a copy of the first elements to the device.</summary>
    /// <exception cref="DeviceException">The device failed.</exception>
    public void QueueUpload(int length)
    {
        try
        {
            Device.View.SubView(0, length).CopyFromCPUUnsafeAsync(_device.Stream, ref MemoryMarshal.GetReference(_here.Span), length);
        }
        catch (Exception e) when (DriverErrors.IsOne(e))
        {
            throw DriverErrors.Wrap(_device.Id, "rows were copied to it", e);
        }
    }

    /// <summary>Queues a copy of the first elements from the device.</summary>
    /// <exception cref="DeviceException">The device failed.</exception>
    public void QueueDownload(int length)
    {
        try
        {
            Device.View.SubView(0, length).CopyToCPUUnsafeAsync(_device.Stream, ref MemoryMarshal.GetReference(_here.Span), length);
        }
        catch (Exception e) when (DriverErrors.IsOne(e))
        {
            throw DriverErrors.Wrap(_device.Id, "rows were copied from it", e);
        }
    }

    internal void Release() => _here.Dispose();
}
