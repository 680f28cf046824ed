using System.Globalization;
using System.Reflection;
using ILGPU;
using ILGPU.Runtime;
using ILGPU.Runtime.CPU;
using ILGPU.Runtime.Cuda;
using ILGPU.Runtime.OpenCL;

namespace NativeSplit.Kernels.Ilgpu.Devices;

/// <summary>Makes ILGPU contexts, and describes the devices in them.</summary>
internal static class DeviceContexts
{
    // Warps of 32, two to a processor: the smallest that holds a group of the kernels.
    private const int EmulatorWarp = 32;
    private const int EmulatorWarps = KernelLayout.GroupSize / EmulatorWarp;

    // ILGPU takes PoCL for a device without a generic address space, and then makes source that PoCL refuses; with it all is well.
    private const string PoclPlatform = "Portable Computing Language";
    private static readonly PropertyInfo GenericAddressSpace = typeof(CLCapabilityContext).GetProperty("GenericAddressSpace")
        ?? throw new MissingMemberException(nameof(CLCapabilityContext), "GenericAddressSpace");

    /// <summary>A context that holds the driver's devices; the caller owns it.</summary>
    public static Context Create(DeviceKind kind)
    {
        NativeLibraries.Register();
        return Context.Create(builder =>
        {
            builder.Optimize(OptimizationLevel.O2);
            switch (kind)
            {
                case DeviceKind.Cuda:
                    builder.Cuda();
                    break;
                case DeviceKind.OpenCL:
                    builder.OpenCL(Accept);
                    break;
                default:
                    builder.CPU(new CPUDevice(EmulatorWarp, EmulatorWarps, 1));
                    break;
            }
        });
    }

    /// <summary>The driver's devices in a context, in the order of their numbers.</summary>
    public static List<Device> DevicesOf(Context context, DeviceKind kind)
    {
        AcceleratorType type = kind switch
        {
            DeviceKind.Cuda => AcceleratorType.Cuda,
            DeviceKind.OpenCL => AcceleratorType.OpenCL,
            _ => AcceleratorType.CPU,
        };
        return [.. context.Devices.Where(device => device.AcceleratorType == type)];
    }

    /// <summary>Describes a device.</summary>
    public static DeviceInfo Describe(DeviceId id, Device device) => new()
    {
        Id = id,
        Name = device is CPUDevice ? "ILGPU emulator" : device.Name.Trim(),
        Driver = DriverOf(device),
        MemoryBytes = device is CPUDevice ? GC.GetGCMemoryInfo().TotalAvailableMemoryBytes : device.MemorySize,
        Multiprocessors = device.NumMultiprocessors,
        MaxGroupThreads = device.MaxNumThreadsPerGroup,
        SharedBytesPerGroup = device.MaxSharedMemoryPerGroup,
        Obstacle = ObstacleOf(device),
    };

    private static bool Accept(CLDevice device)
    {
        if (device.PlatformName.Contains(PoclPlatform, StringComparison.Ordinal))
        {
            GenericAddressSpace.SetValue(device.Capabilities, true);
        }

        return true;
    }

    private static string DriverOf(Device device) => device switch
    {
        CudaDevice cuda => cuda.Architecture is { } sm ? string.Create(CultureInfo.InvariantCulture, $"CUDA, sm_{sm.Major}{sm.Minor}") : "CUDA",
        CLDevice cl => $"{cl.PlatformName.Trim()}, OpenCL C {cl.CVersion}, {Lower(cl.DeviceType)}",
        _ => "ILGPU",
    };

    private static string Lower(object value) => value.ToString()!.Replace("CL_DEVICE_TYPE_", string.Empty, StringComparison.Ordinal).ToLowerInvariant();

    private static string? ObstacleOf(Device device)
    {
        if (device.MaxNumThreadsPerGroup < KernelLayout.GroupSize)
        {
            return string.Create(CultureInfo.InvariantCulture, $"its groups hold {device.MaxNumThreadsPerGroup} threads, the kernels need {KernelLayout.GroupSize}");
        }

        if (device.MaxSharedMemoryPerGroup < KernelLayout.SharedBytes)
        {
            return string.Create(CultureInfo.InvariantCulture, $"its groups share {device.MaxSharedMemoryPerGroup} bytes, the kernels need {KernelLayout.SharedBytes}");
        }

        return null;
    }
}
