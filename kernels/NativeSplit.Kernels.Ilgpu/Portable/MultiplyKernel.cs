using System.Runtime.CompilerServices;
using ILGPU;

namespace NativeSplit.Kernels.Ilgpu.Portable;

/// <summary>Sizes of a product. A parameter of kernels, so its fields are laid out as the device reads them.</summary>
internal struct ProductShape
{
    /// <summary>Inputs of a row of weights.</summary>
    public int Columns;

    /// <summary>Rows of the matrix.</summary>
    public int Rows;

    /// <summary>Words of quants in a row.</summary>
    public int QuantsPerRow;

    /// <summary>Words of scales in a row.</summary>
    public int ScalesPerRow;

    /// <summary>Rows of input.</summary>
    public int Inputs;

    /// <summary>What happens to a sum: a <see cref="Epilogue"/>.</summary>
    public int Epilogue;

    /// <summary>1 when there is a bias.</summary>
    public int HasBias;
}

/// <summary>Products of a matrix with rows of input: <c>y[t, r] = Σ_c W[r, c]·x[t, c]</c>, weights unpacked in registers.</summary>
/// <remarks>
/// 32 threads share a row of the matrix; each takes every 32nd unit of eight weights. The order of a sum depends on columns
/// alone, and is the same in both kernels: a row's bits don't depend on the batch around it.
/// </remarks>
internal static class MultiplyKernel
{
    /// <summary>One input per group: decode of one sequence. Grid [⌈rows / 2⌉, inputs].</summary>
    /// <typeparam name="TFormat">Type of the weights.</typeparam>
    /// <param name="quants">Words of the matrix.</param>
    /// <param name="scales">Words of its scales.</param>
    /// <param name="x">Shape [inputs, columns].</param>
    /// <param name="bias">Shape [rows], read when there is one.</param>
    /// <param name="y">Shape [inputs, rows].</param>
    /// <param name="shape">Sizes.</param>
    public static void Narrow<TFormat>(ArrayView<int> quants, ArrayView<int> scales, ArrayView<float> x, ArrayView<float> bias, ArrayView<float> y, ProductShape shape)
        where TFormat : struct, IDeviceFormat
    {
        ArrayView<float> shared = SharedMemory.Allocate<float>(KernelLayout.GroupSize);
        TFormat format = default;
        int thread = Group.IdxX;
        int lane = thread % KernelLayout.RowThreads;
        int wanted = (Grid.IdxX * KernelLayout.RowsPerGroup) + (thread / KernelLayout.RowThreads);
        int row = wanted < shape.Rows ? wanted : shape.Rows - 1;
        int quantStart = row * shape.QuantsPerRow;
        int scaleStart = row * shape.ScalesPerRow;
        int input = Grid.IdxY;
        ArrayView<Quad> quads = x.Cast<Quad>();
        int start = input * (shape.Columns / 4);
        float sum = 0f;
        for (int unit = lane; unit < shape.Columns / KernelLayout.UnitWeights; unit += KernelLayout.RowThreads)
        {
            Octet w = format.Load(quants, quantStart, scales, scaleStart, unit);
            sum = Add(sum, w, quads, start + (format.ColumnA(unit) / 4), start + (format.ColumnB(unit) / 4));
        }

        shared[thread] = sum;
        Group.Barrier();
        for (int half = KernelLayout.RowThreads / 2; half > 0; half >>= 1)
        {
            if (lane < half)
            {
                shared[thread] += shared[thread + half];
            }

            Group.Barrier();
        }

        if (lane == 0 && wanted < shape.Rows)
        {
            Store(shared[thread], bias, y, row, (input * shape.Rows) + row, shape);
        }
    }

    /// <summary>Eight inputs per group: the weights are read and unpacked once for all. Grid [⌈rows / 2⌉, ⌈inputs / 8⌉].</summary>
    /// <inheritdoc cref="Narrow"/>
    public static void Wide<TFormat>(ArrayView<int> quants, ArrayView<int> scales, ArrayView<float> x, ArrayView<float> bias, ArrayView<float> y, ProductShape shape)
        where TFormat : struct, IDeviceFormat
    {
        ArrayView<float> shared = SharedMemory.Allocate<float>(KernelLayout.GroupSize * KernelLayout.WideInputs);
        TFormat format = default;
        int thread = Group.IdxX;
        int lane = thread % KernelLayout.RowThreads;
        int wanted = (Grid.IdxX * KernelLayout.RowsPerGroup) + (thread / KernelLayout.RowThreads);
        int row = wanted < shape.Rows ? wanted : shape.Rows - 1;
        int quantStart = row * shape.QuantsPerRow;
        int scaleStart = row * shape.ScalesPerRow;
        int first = Grid.IdxY * KernelLayout.WideInputs;
        ArrayView<Quad> quads = x.Cast<Quad>();

        // Past the last input the last one is computed again, and not stored. Unrolled by hand: ILGPU 1.5 doesn't, and arrays would leave the registers.
        int pitch = shape.Columns / 4;
        int start0 = Clamp(first, shape.Inputs) * pitch;
        int start1 = Clamp(first + 1, shape.Inputs) * pitch;
        int start2 = Clamp(first + 2, shape.Inputs) * pitch;
        int start3 = Clamp(first + 3, shape.Inputs) * pitch;
        int start4 = Clamp(first + 4, shape.Inputs) * pitch;
        int start5 = Clamp(first + 5, shape.Inputs) * pitch;
        int start6 = Clamp(first + 6, shape.Inputs) * pitch;
        int start7 = Clamp(first + 7, shape.Inputs) * pitch;
        float sum0 = 0f, sum1 = 0f, sum2 = 0f, sum3 = 0f, sum4 = 0f, sum5 = 0f, sum6 = 0f, sum7 = 0f;
        for (int unit = lane; unit < shape.Columns / KernelLayout.UnitWeights; unit += KernelLayout.RowThreads)
        {
            Octet w = format.Load(quants, quantStart, scales, scaleStart, unit);
            int a = format.ColumnA(unit) / 4;
            int b = format.ColumnB(unit) / 4;
            sum0 = Add(sum0, w, quads, start0 + a, start0 + b);
            sum1 = Add(sum1, w, quads, start1 + a, start1 + b);
            sum2 = Add(sum2, w, quads, start2 + a, start2 + b);
            sum3 = Add(sum3, w, quads, start3 + a, start3 + b);
            sum4 = Add(sum4, w, quads, start4 + a, start4 + b);
            sum5 = Add(sum5, w, quads, start5 + a, start5 + b);
            sum6 = Add(sum6, w, quads, start6 + a, start6 + b);
            sum7 = Add(sum7, w, quads, start7 + a, start7 + b);
        }

        // Input t of a thread lies at t·64 + thread, so that neighbouring threads use neighbouring banks.
        const int G = KernelLayout.GroupSize;
        shared[thread] = sum0;
        shared[G + thread] = sum1;
        shared[(2 * G) + thread] = sum2;
        shared[(3 * G) + thread] = sum3;
        shared[(4 * G) + thread] = sum4;
        shared[(5 * G) + thread] = sum5;
        shared[(6 * G) + thread] = sum6;
        shared[(7 * G) + thread] = sum7;
        Group.Barrier();
        for (int half = KernelLayout.RowThreads / 2; half > 0; half >>= 1)
        {
            if (lane < half)
            {
                for (int t = 0; t < KernelLayout.WideInputs; t++)
                {
                    shared[(t * G) + thread] += shared[(t * G) + thread + half];
                }
            }

            Group.Barrier();
        }

        int input = first + lane;
        if (lane < KernelLayout.WideInputs && wanted < shape.Rows && input < shape.Inputs)
        {
            Store(shared[(lane * G) + thread - lane], bias, y, row, (input * shape.Rows) + row, shape);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int Clamp(int input, int inputs) => input < inputs ? input : inputs - 1;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static float Add(float sum, Octet w, ArrayView<Quad> x, int a, int b)
    {
        Quad xa = x[a];
        Quad xb = x[b];
        sum += w.A.X * xa.X;
        sum += w.A.Y * xa.Y;
        sum += w.A.Z * xa.Z;
        sum += w.A.W * xa.W;
        sum += w.B.X * xb.X;
        sum += w.B.Y * xb.Y;
        sum += w.B.Z * xb.Z;
        sum += w.B.W * xb.W;
        return sum;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store(float sum, ArrayView<float> bias, ArrayView<float> y, int row, int index, ProductShape shape)
    {
        float value = sum;
        if (shape.HasBias != 0)
        {
            value += bias[row];
        }

        if (shape.Epilogue == (int)Epilogue.Add)
        {
            value = y[index] + value;
        }
        else if (shape.Epilogue == (int)Epilogue.Gate)
        {
            value = DeviceMath.Silu(y[index]) * value;
        }

        y[index] = value;
    }
}
