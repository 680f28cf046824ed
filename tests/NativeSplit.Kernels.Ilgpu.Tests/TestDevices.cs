using System.Collections.Concurrent;

namespace NativeSplit.Kernels.Ilgpu.Tests;

/// <summary>Devices that tests share, opened once: compiling kernels takes longer than running them.</summary>
public static class TestDevices
{
    private static readonly ConcurrentDictionary<DeviceId, Lazy<ComputeDevice>> Opened = new();

    /// <summary>Names for suites that run once per device.</summary>
    public static TheoryData<string> Names => ["emulator", "opencl", "cuda"];

    /// <summary>Opens a device, or skips the test and says why.</summary>
    public static ComputeDevice OrSkip(string name)
    {
        Assert.True(DeviceId.TryParse(name, out DeviceId id));
        DriverInfo driver = DeviceCatalog.Ask(id.Kind);
        Assert.SkipUnless(driver.Devices.Count > 0, $"skipped: no {name} device ({driver.Problem})");
        Assert.SkipUnless(driver.Devices[0].Obstacle is null, $"skipped: no {name} device ({driver.Devices[0].Obstacle})");
        return Opened.GetOrAdd(id, key => new Lazy<ComputeDevice>(() => ComputeDevice.Open(key))).Value;
    }
}
