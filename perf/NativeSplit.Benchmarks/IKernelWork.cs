namespace NativeSplit.Benchmarks;

/// <summary>What one call of a benchmark moves and computes, so that its time becomes a rate.</summary>
internal interface IKernelWork
{
    /// <summary>Bytes that one call must read and write at least.</summary>
    double BytesPerCall { get; }

    /// <summary>Floating-point operations of one call; a multiply-add counts as two.</summary>
    double OperationsPerCall { get; }
}
