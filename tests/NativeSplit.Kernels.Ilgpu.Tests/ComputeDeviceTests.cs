namespace NativeSplit.Kernels.Ilgpu.Tests;

/// <summary>Finding and opening devices, their memory, and what goes wrong with them.</summary>
public sealed class ComputeDeviceTests
{
    [Fact]
    public void Discover_AsksEveryDriver_AndSaysWhyOneHasNothing()
    {
        var drivers = DeviceCatalog.Discover();
        Assert.Equal(Enum.GetValues<DeviceKind>(), drivers.Select(driver => driver.Kind));
        Assert.All(drivers, driver => Assert.True((driver.Devices.Count == 0) == !string.IsNullOrEmpty(driver.Problem)));
        foreach (var (driver, index, device) in drivers.SelectMany(driver => driver.Devices.Select((device, index) => (driver, index, device))))
        {
            Assert.Equal(new DeviceId(driver.Kind, index), device.Id);
            Assert.NotEmpty(device.Name);
            Assert.True(device.MemoryBytes > 0);
            Assert.True(device.MaxGroupThreads > 0);
        }

        Assert.Single(drivers[(int)DeviceKind.Emulator].Devices);
    }

    [Theory]
    [InlineData("cuda:0", DeviceKind.Cuda, 0)]
    [InlineData("opencl:12", DeviceKind.OpenCL, 12)]
    [InlineData("emulator", DeviceKind.Emulator, 0)]
    public void TryParse_ReadsAName(string text, DeviceKind kind, int index)
    {
        Assert.True(DeviceId.TryParse(text, out DeviceId id));
        Assert.Equal(new DeviceId(kind, index), id);
        Assert.True(DeviceId.TryParse(id.ToString(), out DeviceId again));
        Assert.Equal(id, again);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("cpu")]
    [InlineData("CUDA:0")]
    [InlineData("cuda:")]
    [InlineData("cuda:-1")]
    [InlineData("cuda:x")]
    [InlineData("cuda:0:0")]
    [InlineData("cuda:99999999999")]
    public void TryParse_RefusesAnythingElse(string? text) => Assert.False(DeviceId.TryParse(text, out _));

    [Theory]
    [MemberData(nameof(TestDevices.Names), MemberType = typeof(TestDevices))]
    public void Open_Refuses_WhenThereIsNoSuchDevice(string name)
    {
        Assert.True(DeviceId.TryParse($"{name}:31", out DeviceId id));
        var error = Assert.Throws<DeviceException>(() => ComputeDevice.Open(id));
        Assert.Equal(DeviceCatalog.Ask(id.Kind).Devices.Count > 0 ? DeviceFault.NoSuchDevice : DeviceFault.NoDriver, error.Fault);
        Assert.Contains($"{name}:31", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Allocate_Refuses_PastTheLimit_AndGivesAllBack()
    {
        using ComputeDevice device = ComputeDevice.Open(new DeviceId(DeviceKind.Emulator, 0), memoryLimitBytes: 40 << 20);
        using (DeviceMemory memory = device.CreateMemory())
        {
            memory.AllocateFloats(6 << 20, "the KV cache");
            var error = Assert.Throws<DeviceException>(() => memory.AllocateFloats(5 << 20, "the weights of layer 7"));
            Assert.Equal(DeviceFault.OutOfMemory, error.Fault);
            Assert.Contains("the weights of layer 7", error.Message, StringComparison.Ordinal);
            Assert.Equal(24 << 20, device.LiveBytes);

            // What fits is still to be had.
            memory.AllocateFloats(10, "a vector");
            Assert.Equal(32 << 20, device.LiveBytes);
            Assert.Equal(device.LiveBytes, memory.ByteLength);
        }

        Assert.Equal(0, device.LiveBytes);
    }

    [Fact]
    public void Memory_KeepsPiecesApart_WhenTheyShareASlab()
    {
        using ComputeDevice device = ComputeDevice.Open(new DeviceId(DeviceKind.Emulator, 0));
        using DeviceMemory memory = device.CreateMemory();
        DeviceArray<float>[] pieces = [.. Enumerable.Range(1, 40).Select(length => memory.AllocateFloats(length, "a test"))];
        for (int i = 0; i < pieces.Length; i++)
        {
            memory.Write([.. Enumerable.Repeat((float)i, pieces[i].Length)], pieces[i], 0);
        }

        for (int i = 0; i < pieces.Length; i++)
        {
            float[] got = new float[pieces[i].Length];
            memory.Read(pieces[i], 0, got);
            Assert.All(got, value => Assert.Equal(i, value));
        }
    }

    [Fact]
    public void Device_Refuses_WhenDisposed()
    {
        ComputeDevice device = ComputeDevice.Open(new DeviceId(DeviceKind.Emulator, 0));
        device.Dispose();
        device.Dispose();
        Assert.Throws<ObjectDisposedException>(device.CreateMemory);
        Assert.Throws<ObjectDisposedException>(() => device.Enter().Dispose());
    }
}
