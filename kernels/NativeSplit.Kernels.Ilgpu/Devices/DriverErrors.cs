using ILGPU;
using ILGPU.Runtime;
using ILGPU.Runtime.Cuda;
using ILGPU.Runtime.OpenCL;

namespace NativeSplit.Kernels.Ilgpu.Devices;

/// <summary>Turns what ILGPU and the drivers throw into <see cref="DeviceException"/>.</summary>
internal static class DriverErrors
{
    /// <summary>True for exceptions that tell of a driver, a device or a kernel, not of a mistake in this program.</summary>
    public static bool IsOne(Exception e) => e is AcceleratorException or InternalCompilerException or NotSupportedException
        or DllNotFoundException or EntryPointNotFoundException or OutOfMemoryException or CapabilityNotSupportedException;

    /// <summary>The driver's words in one line.</summary>
    public static string Describe(Exception e)
    {
        Exception innermost = e;
        while (innermost.InnerException is { } inner)
        {
            innermost = inner;
        }

        int end = innermost.Message.AsSpan().IndexOfAny('\r', '\n');
        return end < 0 ? innermost.Message : innermost.Message[..end];
    }

    /// <summary>True when the driver says that memory ran out.</summary>
    public static bool IsOutOfMemory(Exception e) => e switch
    {
        OutOfMemoryException => true,
        CudaException cuda => cuda.Message.Contains("OUT_OF_MEMORY", StringComparison.OrdinalIgnoreCase) || cuda.Message.Contains("out of memory", StringComparison.OrdinalIgnoreCase),
        CLException cl => cl.Error is CLError.CL_MEM_OBJECT_ALLOCATION_FAILURE or CLError.CL_OUT_OF_HOST_MEMORY or CLError.CL_OUT_OF_RESOURCES or CLError.CL_INVALID_BUFFER_SIZE,
        _ => false,
    };

    /// <summary>The exception to throw for a driver's error.</summary>
    /// <param name="id">The device.</param>
    /// <param name="action">What was being done, as in "… while …".</param>
    /// <param name="e">What was thrown.</param>
    public static DeviceException Wrap(DeviceId id, string action, Exception e) => IsOutOfMemory(e)
        ? new DeviceException(
            DeviceFault.OutOfMemory, $"{id} ran out of memory while {action}: {Describe(e)}. Give this node fewer layers or a smaller KV cache.", e)
        : new DeviceException(
            DeviceFault.Failed, $"{id} failed while {action}: {Describe(e)}. See `nativesplit devices`; start the program again, and update the driver if it happens again.", e);
}
