namespace NativeSplit.Engine.Ilgpu;

/// <summary>Sizes of an <see cref="IlgpuLayerExecutor"/>.</summary>
public sealed record IlgpuExecutorOptions
{
    /// <summary>Positions of the KV cache over all sequences; rounded up to whole pages.</summary>
    public required int KvCapacityTokens { get; init; }

    /// <summary>Rows computed at once; larger batches are computed in pieces, with the same bits.</summary>
    public int MaxBatchRows { get; init; } = 256;
}
