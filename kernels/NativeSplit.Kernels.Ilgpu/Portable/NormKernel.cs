using ILGPU;

namespace NativeSplit.Kernels.Ilgpu.Portable;

/// <summary>Root-mean-square norm of rows, one group per row.</summary>
internal static class NormKernel
{
    /// <summary><c>y[i] = x[i]·gain[i] / sqrt(mean(x²) + epsilon)</c> (Zhang and Sennrich 2019, eq. 4).</summary>
    /// <param name="x">Shape [rows, n].</param>
    /// <param name="gain">Shape [n].</param>
    /// <param name="y">Shape [rows, n]; apart from <paramref name="x"/>.</param>
    /// <param name="n">Width.</param>
    /// <param name="epsilon">Added to the mean square.</param>
    public static void Run(ArrayView<float> x, ArrayView<float> gain, ArrayView<float> y, int n, float epsilon)
    {
        ArrayView<float> shared = SharedMemory.Allocate<float>(KernelLayout.GroupSize);
        int thread = Group.IdxX;
        int start = Grid.IdxX * n;
        float squares = 0f;
        for (int i = thread; i < n; i += KernelLayout.GroupSize)
        {
            squares += x[start + i] * x[start + i];
        }

        float inverse = 1f / MathF.Sqrt((Reduction.Sum(shared, thread, squares) / n) + epsilon);
        for (int i = thread; i < n; i += KernelLayout.GroupSize)
        {
            y[start + i] = x[start + i] * inverse * gain[i];
        }
    }
}
