using ILGPU;
using NativeSplit.Kernels.Ilgpu.Devices;

namespace NativeSplit.Kernels.Ilgpu;

/// <summary>Finds the devices of this machine.</summary>
public static class DeviceCatalog
{
    /// <summary>Asks every driver. Never throws for a driver that is missing or broken: it says so in the answer.</summary>
    public static IReadOnlyList<DriverInfo> Discover() => [.. Enum.GetValues<DeviceKind>().Select(Ask)];

    /// <summary>Asks one driver.</summary>
    public static DriverInfo Ask(DeviceKind kind)
    {
        if (!NativeLibraries.IsPresent(kind, out string library))
        {
            return new DriverInfo(kind, [], $"no driver: {library} isn't installed");
        }

        try
        {
            using Context context = DeviceContexts.Create(kind);
            DeviceInfo[] devices = [.. DeviceContexts.DevicesOf(context, kind).Select((device, index) => DeviceContexts.Describe(new DeviceId(kind, index), device))];
            return new DriverInfo(kind, devices, devices.Length == 0 ? $"{library} offers no device" : null);
        }
        catch (Exception e) when (DriverErrors.IsOne(e))
        {
            return new DriverInfo(kind, [], $"{library} failed: {DriverErrors.Describe(e)}");
        }
    }
}
