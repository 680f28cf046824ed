using NativeSplit.Kernels.Formats;

namespace NativeSplit.Kernels.Simd;

/// <summary>Widening and multiplication for one instruction set: picks the specialised kernel of a format and walks the rows.</summary>
/// <typeparam name="TIsa">The instruction set.</typeparam>
internal static unsafe class SimdMatrix<TIsa>
    where TIsa : struct, ISimdIsa
{
    /// <summary>Floats of input that stay in a core's second-level cache while every row passes over them: 256 KiB.</summary>
    private const int TileFloats = 64 * 1024;

    public static void Widen(WeightMatrix weights, int row, Span<float> destination)
    {
        fixed (byte* source = weights.BorrowRow(row))
        fixed (float* target = destination)
        {
            switch (weights.Type)
            {
                case WeightType.F32: TIsa.Widen<F32Weights>(source, target, weights.Columns); break;
                case WeightType.F16: TIsa.Widen<F16Weights>(source, target, weights.Columns); break;
                case WeightType.BF16: TIsa.Widen<BF16Weights>(source, target, weights.Columns); break;
                case WeightType.Q4_0: TIsa.Widen<QuantWeights<Q4_0>>(source, target, weights.Columns); break;
                case WeightType.Q4_1: TIsa.Widen<QuantWeights<Q4_1>>(source, target, weights.Columns); break;
                case WeightType.Q5_0: TIsa.Widen<QuantWeights<Q5_0>>(source, target, weights.Columns); break;
                case WeightType.Q5_1: TIsa.Widen<QuantWeights<Q5_1>>(source, target, weights.Columns); break;
                case WeightType.Q8_0: TIsa.Widen<QuantWeights<Q8_0>>(source, target, weights.Columns); break;
                case WeightType.Q2_K: TIsa.Widen<QuantWeights<Q2_K>>(source, target, weights.Columns); break;
                case WeightType.Q3_K: TIsa.Widen<QuantWeights<Q3_K>>(source, target, weights.Columns); break;
                case WeightType.Q4_K: TIsa.Widen<QuantWeights<Q4_K>>(source, target, weights.Columns); break;
                case WeightType.Q5_K: TIsa.Widen<QuantWeights<Q5_K>>(source, target, weights.Columns); break;
                case WeightType.Q6_K: TIsa.Widen<QuantWeights<Q6_K>>(source, target, weights.Columns); break;
                case WeightType.IQ4_NL: TIsa.Widen<QuantWeights<IQ4_NL>>(source, target, weights.Columns); break;
                case WeightType.IQ4_XS: TIsa.Widen<QuantWeights<IQ4_XS>>(source, target, weights.Columns); break;
                default: throw Unknown(weights.Type);
            }
        }
    }

    public static void Multiply(WeightMatrix weights, int firstRow, int rowCount, ReadOnlySpan<float> x, int inputs, Span<float> y, Span<float> scratch)
    {
        if (rowCount == 0 || inputs == 0)
        {
            return;
        }

        fixed (byte* w = weights.BorrowRow(firstRow))
        fixed (float* px = x, py = y, ps = scratch)
        {
            var part = new Part(w, (nint)weights.RowBytes, rowCount, weights.Columns, px, inputs, py + firstRow, weights.Rows, ps);
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

    private static void Run<TWeights>(in Part part)
        where TWeights : struct, IStoredWeights
    {
        if (part.Inputs == 1)
        {
            for (int r = 0; r < part.RowCount; r++)
            {
                part.Y[r] = TIsa.Dot<TWeights>(part.Weights + (r * part.RowBytes), part.X, part.Columns);
            }

            return;
        }

        // Every row is widened once per tile of inputs. Widening and both inner products give each pair the same bits.
        int tile = Math.Max(4, TileFloats / part.Columns & ~3);
        for (int first = 0; first < part.Inputs; first += tile)
        {
            int end = Math.Min(part.Inputs, first + tile);
            for (int r = 0; r < part.RowCount; r++)
            {
                byte* row = part.Weights + (r * part.RowBytes);
                float* widened = (float*)row;
                if (typeof(TWeights) != typeof(F32Weights))
                {
                    widened = part.Scratch;
                    TIsa.Widen<TWeights>(row, widened, part.Columns);
                }

                int input = first;
                for (; input + 4 <= end; input += 4)
                {
                    TIsa.Dot4(widened, part.X + ((nint)input * part.Columns), part.Columns, part.Y + ((nint)input * part.YStride) + r, part.YStride);
                }

                for (; input < end; input++)
                {
                    part.Y[((nint)input * part.YStride) + r] =
                        TIsa.Dot<F32Weights>((byte*)widened, part.X + ((nint)input * part.Columns), part.Columns);
                }
            }
        }
    }

    private static ArgumentOutOfRangeException Unknown(WeightType type) => new(nameof(type), type, "No SIMD kernel for this weight type.");

    /// <summary>One call of <see cref="Multiply"/> as addresses.</summary>
    private readonly struct Part(
        byte* weights, nint rowBytes, int rowCount, int columns, float* x, int inputs, float* y, nint yStride, float* scratch)
    {
        public readonly byte* Weights = weights;
        public readonly nint RowBytes = rowBytes;
        public readonly int RowCount = rowCount;
        public readonly int Columns = columns;
        public readonly float* X = x;
        public readonly int Inputs = inputs;
        public readonly float* Y = y;
        public readonly nint YStride = yStride;
        public readonly float* Scratch = scratch;
    }
}
