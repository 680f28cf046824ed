namespace NativeSplit.Kernels.Ilgpu;

/// <summary>Sizes that kernels, launches and limits agree on.</summary>
internal static class KernelLayout
{
    /// <summary>Threads of every group. A constant, so that shared memory is static: PoCL fails with dynamic one.</summary>
    public const int GroupSize = 64;

    /// <summary>Threads that share one row of a matrix.</summary>
    public const int RowThreads = 32;

    /// <summary>Rows of a matrix that one group computes.</summary>
    public const int RowsPerGroup = GroupSize / RowThreads;

    /// <summary>Inputs that share one read of the weights.</summary>
    public const int WideInputs = 8;

    /// <summary>Weights that a thread unpacks at a time.</summary>
    public const int UnitWeights = 8;

    /// <summary>Elements of a head at most.</summary>
    public const int MaxHeadSize = 256;

    /// <summary>Positions of a page of the KV cache, as everywhere in the program.</summary>
    public const int PagePositions = 32;

    /// <summary>Shared bytes of the hungriest kernel, the wide product.</summary>
    public const int SharedBytes = GroupSize * WideInputs * sizeof(float);
}
