using NativeSplit.Engine.Execution;
using NativeSplit.Kernels;
using NativeSplit.Testing;

namespace NativeSplit.Engine.Tests.Execution;

/// <summary>The suite on the fastest kernels, one thread, batches at once.</summary>
public class SingleThreadExecutorTests : LayerExecutorSuite
{
    private protected override IDisposable Create(string model, int capacityTokens, out ILayerExecutor executor) =>
        CpuExecutors.Create(model, KernelSets.Fastest, threads: 1, maxRows: 256, capacityTokens, out executor);
}

/// <summary>The suite on the fastest kernels, three threads, batches in pieces of 24 rows.</summary>
public class ThreadTeamExecutorTests : LayerExecutorSuite
{
    private protected override IDisposable Create(string model, int capacityTokens, out ILayerExecutor executor) =>
        CpuExecutors.Create(model, KernelSets.Fastest, threads: 3, maxRows: 24, capacityTokens, out executor);
}

/// <summary>The suite with int8 activations on packed weights, two threads, batches in pieces of 24 rows.</summary>
public class Int8ExecutorTests : LayerExecutorSuite
{
    private protected override IDisposable Create(string model, int capacityTokens, out ILayerExecutor executor) =>
        CpuExecutors.Create(Quantized(model), KernelSets.Fastest, threads: 2, maxRows: 24, capacityTokens, out executor, ActivationPrecision.Int8);

    // The model that the suite asks for, in a form that is packed: interleaved pairs; halves with a norm per head.
    private static string Quantized(string model) => GoldenManifest.Default.Model(
        Path.GetFileNameWithoutExtension(model) == "qwen3-f32" ? "qwen3-256-q4_k_m" : "llama256-q4_0").Path;
}

/// <summary>Makes executors over all layers.</summary>
internal static class CpuExecutors
{
    public static IDisposable Create(string model, KernelSet kernels, int threads, int maxRows, int capacityTokens, out ILayerExecutor executor, ActivationPrecision precision = ActivationPrecision.Float32)
    {
        var loaded = new LoadedModel(model, kernels, threads, capacity: capacityTokens, maxRows: maxRows, precision: precision);
        executor = loaded.Executors[0];
        return loaded;
    }
}
