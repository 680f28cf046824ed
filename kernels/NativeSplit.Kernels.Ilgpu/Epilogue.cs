namespace NativeSplit.Kernels.Ilgpu;

/// <summary>What a product does with its sums.</summary>
public enum Epilogue
{
    /// <summary><c>y = sum</c>.</summary>
    Store = 0,

    /// <summary><c>y += sum</c>: the residual stream.</summary>
    Add = 1,

    /// <summary><c>y = SiLU(y)·sum</c>: <c>y</c> holds the gate, the sum is the up projection (Shazeer 2020).</summary>
    Gate = 2,
}
