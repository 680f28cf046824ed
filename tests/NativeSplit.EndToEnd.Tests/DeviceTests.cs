using System.Text.Json;

namespace NativeSplit.EndToEnd.Tests;

/// <summary>The program with <c>--device</c>: what it lists, what it runs, what it refuses.</summary>
public sealed class DeviceTests
{
    [Fact]
    public async Task Devices_ListsEveryDriver_WithDevicesOrAReason()
    {
        var finished = await NativeSplitProcess.RunAsync("devices", "--json");
        Assert.Equal(0, finished.Code);
        using JsonDocument document = JsonDocument.Parse(finished.Output);
        JsonElement[] drivers = [.. document.RootElement.EnumerateArray()];
        Assert.Equal(["cuda", "opencl", "emulator"], drivers.Select(driver => driver.GetProperty("driver").GetString()));
        Assert.All(drivers, driver => Assert.True(
            driver.GetProperty("devices").GetArrayLength() > 0 != (driver.GetProperty("problem").ValueKind == JsonValueKind.String)));
    }

    [Fact]
    public async Task Run_GivesTheTextOfTheProcessor_OnAnOpenCLDevice()
    {
        // As `devices` says it: the first OpenCL device, or why there is none.
        using JsonDocument document = JsonDocument.Parse((await NativeSplitProcess.RunAsync("devices", "--json")).Output);
        JsonElement opencl = document.RootElement.EnumerateArray().Single(driver => driver.GetProperty("driver").GetString() == "opencl");
        Assert.SkipUnless(opencl.GetProperty("devices").GetArrayLength() > 0, $"skipped: no OpenCL device ({opencl.GetProperty("problem")})");
        string[] arguments = ["run", "--model", NativeSplitProcess.Shipped, "--temperature", "0", "-n", "12", "--precision", "float32", "A truck has stopped on the A7."];
        var processor = await NativeSplitProcess.RunAsync(arguments);
        var device = await NativeSplitProcess.RunAsync([.. arguments, "--device", "opencl:0"]);
        Assert.True(device.Code == 0, device.Error);
        Assert.Contains("opencl:0", device.Error, StringComparison.Ordinal);
        Assert.Equal(processor.Output, device.Output);
    }

    [Theory]
    [InlineData("gpu", "nativesplit devices")]
    [InlineData("cuda:99", "cuda:99")]
    [InlineData("opencl:99", "opencl:99")]
    public async Task Run_RefusesADeviceThatIsNotThere(string device, string expected)
    {
        var finished = await NativeSplitProcess.RunAsync("run", "--model", NativeSplitProcess.Shipped, "--device", device, "hello");
        Assert.Equal(2, finished.Code);
        Assert.Contains(expected, finished.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", finished.Error, StringComparison.Ordinal);
    }
}
