using NativeSplit.Kernels.Formats;

namespace NativeSplit.Kernels.Scalar;

/// <summary>Widens one stored row of any format to float32.</summary>
internal static class ScalarWidening
{
    private delegate void BlockWidener(ReadOnlySpan<byte> block, Span<float> y);

    public static void Widen(BlockFormat format, ReadOnlySpan<byte> row, Span<float> destination)
    {
        switch (format.Type)
        {
            case WeightType.F32: ScalarFloatFormats.WidenF32(row, destination); break;
            case WeightType.F16: ScalarFloatFormats.WidenF16(row, destination); break;
            case WeightType.BF16: ScalarFloatFormats.WidenBF16(row, destination); break;
            case WeightType.Q4_0: Blocks(ScalarLegacyFormats.WidenQ4_0, format, row, destination); break;
            case WeightType.Q4_1: Blocks(ScalarLegacyFormats.WidenQ4_1, format, row, destination); break;
            case WeightType.Q5_0: Blocks(ScalarLegacyFormats.WidenQ5_0, format, row, destination); break;
            case WeightType.Q5_1: Blocks(ScalarLegacyFormats.WidenQ5_1, format, row, destination); break;
            case WeightType.Q8_0: Blocks(ScalarLegacyFormats.WidenQ8_0, format, row, destination); break;
            case WeightType.Q2_K: Blocks(ScalarKFormats.WidenQ2_K, format, row, destination); break;
            case WeightType.Q3_K: Blocks(ScalarKFormats.WidenQ3_K, format, row, destination); break;
            case WeightType.Q4_K: Blocks(ScalarKFormats.WidenQ4_K, format, row, destination); break;
            case WeightType.Q5_K: Blocks(ScalarKFormats.WidenQ5_K, format, row, destination); break;
            case WeightType.Q6_K: Blocks(ScalarKFormats.WidenQ6_K, format, row, destination); break;
            case WeightType.IQ4_NL: Blocks(ScalarNonlinearFormats.WidenIQ4_NL, format, row, destination); break;
            case WeightType.IQ4_XS: Blocks(ScalarNonlinearFormats.WidenIQ4_XS, format, row, destination); break;
            default: throw new ArgumentOutOfRangeException(nameof(format), format.Type, "No scalar kernel for this weight type.");
        }
    }

    private static void Blocks(BlockWidener widen, BlockFormat format, ReadOnlySpan<byte> row, Span<float> destination)
    {
        while (!destination.IsEmpty)
        {
            widen(row[..format.BlockBytes], destination[..format.BlockLength]);
            row = row[format.BlockBytes..];
            destination = destination[format.BlockLength..];
        }
    }
}
