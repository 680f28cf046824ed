using NativeSplit.Engine.Execution;
using NativeSplit.Engine.Tests.Execution;
using NativeSplit.Kernels.Ilgpu.Tests;

namespace NativeSplit.Engine.Ilgpu.Tests;

/// <summary>The suite of all executors on the first OpenCL device.</summary>
public class OpenCLExecutorTests : LayerExecutorSuite
{
    private protected override IDisposable Create(string model, int capacityTokens, out ILayerExecutor executor) =>
        DeviceExecutors.Create("opencl", model, capacityTokens, maxRows: 256, out executor);
}

/// <summary>The suite on the first OpenCL device, batches in pieces of 24 rows.</summary>
public class OpenCLPiecesExecutorTests : LayerExecutorSuite
{
    private protected override IDisposable Create(string model, int capacityTokens, out ILayerExecutor executor) =>
        DeviceExecutors.Create("opencl", model, capacityTokens, maxRows: 24, out executor);
}

/// <summary>The suite on the first CUDA device.</summary>
public class CudaExecutorTests : LayerExecutorSuite
{
    private protected override IDisposable Create(string model, int capacityTokens, out ILayerExecutor executor) =>
        DeviceExecutors.Create("cuda", model, capacityTokens, maxRows: 256, out executor);
}

/// <summary>Makes executors over all layers.</summary>
internal static class DeviceExecutors
{
    public static IDisposable Create(string device, string model, int capacityTokens, int maxRows, out ILayerExecutor executor)
    {
        var loaded = new DeviceModel(model, TestDevices.OrSkip(device), capacityTokens, maxRows);
        executor = loaded.Executors[0];
        return loaded;
    }
}
