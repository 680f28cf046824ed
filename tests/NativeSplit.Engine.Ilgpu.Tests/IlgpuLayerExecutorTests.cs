using NativeSplit.Engine.Execution;
using NativeSplit.Kernels.Ilgpu;
using NativeSplit.Kernels.Ilgpu.Tests;
using NativeSplit.Model;
using NativeSplit.Model.Files;
using NativeSplit.Model.Weights;
using NativeSplit.Testing;

namespace NativeSplit.Engine.Ilgpu.Tests;

/// <summary>What a device executor promises beyond the suite: memory, names, refusals.</summary>
public class IlgpuLayerExecutorTests
{
    private static readonly DeviceId Emulator = new(DeviceKind.Emulator, 0);

    [Theory]
    [InlineData("opencl")]
    [InlineData("cuda")]
    public void Forward_TakesNoDeviceMemory_AndDisposeGivesAllBack(string name)
    {
        ComputeDevice device = TestDevices.OrSkip(name);
        long before = device.LiveBytes;
        using (var model = new DeviceModel(GoldenManifest.Default.Model("qwen2-256-q4_k_m").Path, device))
        {
            long loaded = device.LiveBytes;
            Assert.Equal(before + model.Executors[0].DeviceBytes, loaded);
            model.Run(GoldenManifest.Default.Sequences["s17"], piece: 5);
            Assert.Equal(loaded, device.LiveBytes);
            Assert.Equal(device.Id + " (" + device.Info.Name + ")", model.Executors[0].Backend);
        }

        Assert.Equal(before, device.LiveBytes);
    }

    [Theory]
    [InlineData("opencl")]
    [InlineData("cuda")]
    public void Forward_AllocatesForTransfersAlone_InDecode(string name)
    {
        using var model = new DeviceModel(GoldenManifest.Default.Model("llama256-q4_0").Path, TestDevices.OrSkip(name));
        IlgpuLayerExecutor executor = model.Executors[0];
        Assert.True(executor.TryReserve(new(1), 40));
        SequenceRows[] batch = new SequenceRows[1];
        float[] hidden = new float[model.Shape.HiddenSize];
        for (int i = 0; i < 10; i++)
        {
            Step(i);
        }

        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 10; i < 30; i++)
        {
            Step(i);
        }

        // ILGPU makes an object or two for each of the two transfers and the wait; a launch, of which there are 44 here, makes none.
        Assert.InRange((GC.GetAllocatedBytesForCurrentThread() - before) / 20, 0, 240);

        void Step(int position)
        {
            batch[0] = new SequenceRows(new(1), position, 1);
            executor.Forward(batch, hidden);
        }
    }

    [Fact]
    public void Constructor_Refuses_AndGivesAllBack_WhenTheDeviceIsTooSmall()
    {
        using ComputeDevice device = ComputeDevice.Open(Emulator, memoryLimitBytes: 10 << 20);
        var error = Assert.Throws<DeviceException>(() => new DeviceModel(GoldenManifest.Default.Model("llama256-q8_0").Path, device, capacity: 8192));
        Assert.Equal(DeviceFault.OutOfMemory, error.Fault);
        Assert.Contains("KV cache of layer", error.Message, StringComparison.Ordinal);
        Assert.Equal(0, device.LiveBytes);
    }

    [Fact]
    public void Constructor_Refuses_WhenATypeHasNoKernel()
    {
        ComputeDevice device = TestDevices.OrSkip("emulator");
        long before = device.LiveBytes;
        var error = Assert.Throws<DeviceException>(() => new DeviceModel(GoldenManifest.Default.Model("llama256-q5_k").Path, device));
        Assert.Equal(DeviceFault.UnsupportedType, error.Fault);
        Assert.Contains("Q5_K", error.Message, StringComparison.Ordinal);
        Assert.Equal(before, device.LiveBytes);
    }

    [Theory]
    [InlineData("gemma2-f32", "gemma2")]
    [InlineData("gpt2-f32", "gpt2")]
    [InlineData("mixtral-f32", "llama")]
    public void Constructor_Refuses_WhenTheArchitectureNeedsMore(string name, string architecture)
    {
        ComputeDevice device = TestDevices.OrSkip("emulator");
        long before = device.LiveBytes;
        var error = Assert.Throws<DeviceException>(() => new DeviceModel(GoldenManifest.Default.Model(name).Path, device));
        Assert.Equal(DeviceFault.UnsupportedShape, error.Fault);
        Assert.Contains($"'{architecture}'", error.Message, StringComparison.Ordinal);
        Assert.Equal(before, device.LiveBytes);
    }

    [Fact]
    public void Constructor_Refuses_WhenTheShapeIsOfAnotherModel()
    {
        ComputeDevice device = TestDevices.OrSkip("emulator");
        using var file = ModelFile.Open(GoldenManifest.Default.Model("llama-untied-f32").Path);
        using ModelWeights weights = file.Load(WeightSelection.LayersOnly(file.Shape.AllLayers));
        var options = new IlgpuExecutorOptions { KvCapacityTokens = 64 };
        Assert.ThrowsAny<ArgumentException>(() => new IlgpuLayerExecutor(file.Shape with { FeedForwardSize = 161 }, weights, device, options));
        Assert.ThrowsAny<ArgumentException>(() => new IlgpuLayerExecutor(file.Shape with { KeyValueHeadCount = 4 }, weights, device, options));
        Assert.ThrowsAny<ArgumentException>(() => new IlgpuLayerExecutor(file.Shape, weights, device, options with { KvCapacityTokens = 0 }));
        Assert.ThrowsAny<ArgumentException>(() => new IlgpuLayerExecutor(file.Shape, weights, device, options with { MaxBatchRows = 0 }));
        ModelShape wide = file.Shape with { HeadSize = 512 };
        Assert.ThrowsAny<ArgumentException>(() => new IlgpuLayerExecutor(wide, weights, device, options));
    }
}
