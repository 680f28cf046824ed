using NativeSplit.Kernels;

namespace NativeSplit.Engine.Execution;

/// <summary>Sizes of a <see cref="CpuLayerExecutor"/>.</summary>
public sealed record CpuExecutorOptions
{
    /// <summary>Positions of the KV cache over all sequences; rounded up to whole pages.</summary>
    public required int KvCapacityTokens { get; init; }

    /// <summary>Rows computed at once; larger batches are computed in pieces, with the same bits.</summary>
    public int MaxBatchRows { get; init; } = 256;

    /// <summary>How the KV cache keeps keys and values. Every stage of a model should keep them alike.</summary>
    public KeyValueType KvType { get; init; }

    /// <summary>In what form activations meet quantised weights.</summary>
    public ActivationPrecision Activations { get; init; } = ActivationPrecision.Int8;
}
