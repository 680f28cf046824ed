using System.Runtime.CompilerServices;
using NativeSplit.Kernels.Formats;
using NativeSplit.Kernels.Memory;

namespace NativeSplit.Kernels.Simd;

/// <summary>Widening and multiplication for one instruction set: picks the specialised kernel of a format and walks the rows.</summary>
/// <typeparam name="TIsa">The instruction set.</typeparam>
internal static unsafe class SimdMatrix<TIsa>
    where TIsa : struct, ISimdIsa
{
    private const int Stripe = 32;

    /// <summary>Rows widened together: each input block is loaded once for so many rows.</summary>
    private const int RowBlock = 4;

    /// <summary>Columns taken at a time: four widened rows and four inputs of so many floats fill half of a 32 KiB cache.</summary>
    private const int ColumnBlock = 512;

    /// <summary>Most inputs taken at a time; a multiple of 4.</summary>
    private const int InputTile = 32;

    /// <summary>Stack of a tile, 24 KiB: widened rows, then the states of every row and input.</summary>
    private const int BufferBytes = (((RowBlock * ColumnBlock) + (RowBlock * InputTile * Stripe)) * sizeof(float)) + NativeMemoryRegion.Alignment;

    /// <summary>Floats of input that stay in a core's second-level cache while every row passes over them: 256 KiB.</summary>
    private const int TileFloats = 64 * 1024;

    public static void Widen(WeightMatrix weights, int row, Span<float> destination)
    {
        fixed (byte* source = weights.BorrowRow(row))
        fixed (float* target = destination)
        {
            switch (weights.Type)
            {
                case WeightType.F32: WidenRow<F32Weights>(source, target, weights.Columns); break;
                case WeightType.F16: WidenRow<F16Weights>(source, target, weights.Columns); break;
                case WeightType.BF16: WidenRow<BF16Weights>(source, target, weights.Columns); break;
                case WeightType.Q4_0: WidenRow<QuantWeights<Q4_0>>(source, target, weights.Columns); break;
                case WeightType.Q4_1: WidenRow<QuantWeights<Q4_1>>(source, target, weights.Columns); break;
                case WeightType.Q5_0: WidenRow<QuantWeights<Q5_0>>(source, target, weights.Columns); break;
                case WeightType.Q5_1: WidenRow<QuantWeights<Q5_1>>(source, target, weights.Columns); break;
                case WeightType.Q8_0: WidenRow<QuantWeights<Q8_0>>(source, target, weights.Columns); break;
                case WeightType.Q2_K: WidenRow<QuantWeights<Q2_K>>(source, target, weights.Columns); break;
                case WeightType.Q3_K: WidenRow<QuantWeights<Q3_K>>(source, target, weights.Columns); break;
                case WeightType.Q4_K: WidenRow<QuantWeights<Q4_K>>(source, target, weights.Columns); break;
                case WeightType.Q5_K: WidenRow<QuantWeights<Q5_K>>(source, target, weights.Columns); break;
                case WeightType.Q6_K: WidenRow<QuantWeights<Q6_K>>(source, target, weights.Columns); break;
                case WeightType.IQ4_NL: WidenRow<QuantWeights<IQ4_NL>>(source, target, weights.Columns); break;
                case WeightType.IQ4_XS: WidenRow<QuantWeights<IQ4_XS>>(source, target, weights.Columns); break;
                default: throw Unknown(weights.Type);
            }
        }
    }

    public static void Multiply(WeightMatrix weights, int firstRow, int rowCount, ReadOnlySpan<float> x, int inputs, Span<float> y)
    {
        if (rowCount == 0 || inputs == 0)
        {
            return;
        }

        fixed (byte* w = weights.BorrowRow(firstRow))
        fixed (float* px = x, py = y)
        {
            var part = new Part(w, (nint)weights.RowBytes, rowCount, weights.Columns, px, inputs, py + firstRow, weights.Rows);
            switch (weights.Type)
            {
                case WeightType.F32: Run<F32Weights>(part); break;
                case WeightType.F16: Run<F16Weights>(part); break;
                case WeightType.BF16: Run<BF16Weights>(part); break;
                case WeightType.Q4_0: Run<QuantWeights<Q4_0>>(part); break;
                case WeightType.Q4_1: Run<QuantWeights<Q4_1>>(part); break;
                case WeightType.Q5_0: Run<QuantWeights<Q5_0>>(part); break;
                case WeightType.Q5_1: Run<QuantWeights<Q5_1>>(part); break;
                case WeightType.Q8_0: Run<QuantWeights<Q8_0>>(part); break;
                case WeightType.Q2_K: Run<QuantWeights<Q2_K>>(part); break;
                case WeightType.Q3_K: Run<QuantWeights<Q3_K>>(part); break;
                case WeightType.Q4_K: Run<QuantWeights<Q4_K>>(part); break;
                case WeightType.Q5_K: Run<QuantWeights<Q5_K>>(part); break;
                case WeightType.Q6_K: Run<QuantWeights<Q6_K>>(part); break;
                case WeightType.IQ4_NL: Run<QuantWeights<IQ4_NL>>(part); break;
                case WeightType.IQ4_XS: Run<QuantWeights<IQ4_XS>>(part); break;
                default: throw Unknown(weights.Type);
            }
        }
    }

    private static void WidenRow<TWeights>(byte* row, float* destination, int columns)
        where TWeights : struct, IStoredWeights
    {
        int groups = columns / Stripe;
        TIsa.Widen<TWeights>(row, 0, groups, destination);
        for (int column = groups * Stripe; column < columns; column++)
        {
            destination[column] = TWeights.LoadOne(row, column);
        }
    }

    private static void Run<TWeights>(in Part part)
        where TWeights : struct, IStoredWeights
    {
        if (part.Inputs > 1)
        {
            int tile = Math.Clamp(TileFloats / part.Columns & ~3, 4, InputTile);
            for (int first = 0; first < part.Inputs; first += tile)
            {
                RunTile<TWeights>(part, first, Math.Min(tile, part.Inputs - first));
            }

            return;
        }

        // One input: unpack and multiply in registers. The order of each sum is that of a tile.
        for (int r = 0; r < part.RowCount; r++)
        {
            part.Y[r] = TIsa.Dot<TWeights>(part.Weights + (r * part.RowBytes), part.X, part.Columns);
        }
    }

    /// <summary>All rows of the part times a few inputs, block by block; the partial sums of every pair wait in memory between blocks.</summary>
    [SkipLocalsInit]
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void RunTile<TWeights>(in Part part, int firstInput, int inputs)
        where TWeights : struct, IStoredWeights
    {
        byte* buffer = stackalloc byte[BufferBytes];
        float* widened = (float*)(((nint)buffer + NativeMemoryRegion.Alignment - 1) & -NativeMemoryRegion.Alignment);
        float* states = widened + (RowBlock * ColumnBlock);
        float* x = part.X + ((nint)firstInput * part.Columns);
        int wholeColumns = part.Columns & ~(Stripe - 1);
        for (int row = 0; row < part.RowCount; row += RowBlock)
        {
            int rows = Math.Min(RowBlock, part.RowCount - row);
            byte* stored = part.Weights + (row * part.RowBytes);
            new Span<float>(states, rows * inputs * Stripe).Clear();
            for (int column = 0; column < wholeColumns; column += ColumnBlock)
            {
                int groups = Math.Min(ColumnBlock, wholeColumns - column) / Stripe;
                for (int r = 0; r < rows; r++)
                {
                    TIsa.Widen<TWeights>(stored + (r * part.RowBytes), column / Stripe, groups, widened + (r * ColumnBlock));
                }

                AccumulateBlock(widened, rows, x + column, part.Columns, inputs, groups, states);
            }

            for (int r = 0; r < rows; r++)
            {
                for (int t = 0; t < inputs; t++)
                {
                    float* state = states + (((r * inputs) + t) * Stripe);
                    for (int column = wholeColumns; column < part.Columns; column++)
                    {
                        float* sum = state + (column - wholeColumns);
                        *sum = MathF.FusedMultiplyAdd(
                            TWeights.LoadOne(stored + (r * part.RowBytes), column), x[((nint)t * part.Columns) + column], *sum);
                    }

                    part.Y[((firstInput + t) * part.YStride) + row + r] = TIsa.Fold(state);
                }
            }
        }
    }

    /// <summary>Rows in pairs; an odd last row is paired with itself, which computes the same sums twice and stores them once.</summary>
    private static void AccumulateBlock(float* widened, int rows, float* x, nint xStride, int inputs, int groups, float* states)
    {
        for (int t = 0; t < inputs; t += 4)
        {
            for (int r = 0; r < rows; r += 2)
            {
                int other = Math.Min(r + 1, rows - 1);
                float* w0 = widened + (r * ColumnBlock);
                float* w1 = widened + (other * ColumnBlock);
                float* s0 = states + (((r * inputs) + t) * Stripe);
                float* s1 = states + (((other * inputs) + t) * Stripe);
                if (t + 4 <= inputs)
                {
                    TIsa.Accumulate4(w0, w1, x + (t * xStride), xStride, groups, s0, s1);
                    continue;
                }

                for (int rest = 0; rest < inputs - t; rest++)
                {
                    TIsa.Accumulate1(w0, w1, x + ((t + rest) * xStride), groups, s0 + (rest * Stripe), s1 + (rest * Stripe));
                }
            }
        }
    }

    private static ArgumentOutOfRangeException Unknown(WeightType type) => new(nameof(type), type, "No SIMD kernel for this weight type.");

    /// <summary>One call of <see cref="Multiply"/> as addresses.</summary>
    private readonly struct Part(
        byte* weights, nint rowBytes, int rowCount, int columns, float* x, int inputs, float* y, nint yStride)
    {
        public readonly byte* Weights = weights;
        public readonly nint RowBytes = rowBytes;
        public readonly int RowCount = rowCount;
        public readonly int Columns = columns;
        public readonly float* X = x;
        public readonly int Inputs = inputs;
        public readonly float* Y = y;
        public readonly nint YStride = yStride;
    }
}
