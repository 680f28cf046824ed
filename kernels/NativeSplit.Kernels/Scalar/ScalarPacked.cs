using System.Buffers.Binary;
using NativeSplit.Kernels.Formats;
using NativeSplit.Kernels.Packing;

namespace NativeSplit.Kernels.Scalar;

/// <summary>Inner product of one packed row and one quantised row: the specification.</summary>
/// <remarks>
/// The integer of a group stays below 2²⁴ in magnitude, so its conversion to float32 is exact: 32·128·127 (Q8_0),
/// 63·32·31·127 (Q5_K), 2·128·16·32·127 (Q6_K).
/// </remarks>
internal static class ScalarPacked
{
    /// <summary>All rows of a part times all inputs. Also what the fast sets do for weights with infinite or NaN scales.</summary>
    public static unsafe void Multiply(PackedWeights weights, int firstRow, int rowCount, ReadOnlySpan<byte> x, int inputs, Span<float> y)
    {
        int rowBytes = Int8Rows.RowBytes(weights.Columns);
        for (int row = firstRow; row < firstRow + rowCount; row++)
        {
            var panel = new ReadOnlySpan<byte>(weights.PanelOf(row), (int)weights.PanelBytes);
            for (int input = 0; input < inputs; input++)
            {
                y[(input * weights.Rows) + row] = Dot(weights.Layout, panel, row % PackedWeights.RowGranularity, x.Slice(input * rowBytes, rowBytes));
            }
        }
    }

    /// <summary>One product, as <see cref="KernelSet.Multiply(PackedWeights, int, int, ReadOnlySpan{byte}, int, Span{float})"/> defines it.</summary>
    /// <param name="layout">Layout of the panel.</param>
    /// <param name="panel">The panel.</param>
    /// <param name="row">Row of the panel.</param>
    /// <param name="x">The quantised row.</param>
    public static float Dot(in PackedLayout layout, ReadOnlySpan<byte> panel, int row, ReadOnlySpan<byte> x)
    {
        bool hasMinimum = layout.Type is WeightType.Q4_K or WeightType.Q5_K;
        float sum = 0f;
        for (; !panel.IsEmpty; panel = panel[layout.BlockBytes..])
        {
            float d = ScalarLegacyFormats.ReadHalf(panel, 2 * row);
            float minimumScale = hasMinimum ? ScalarLegacyFormats.ReadHalf(panel, 16 + (2 * row)) : 0f;
            for (int i = 0; i < layout.GroupsPerBlock; i++, x = x[Int8Rows.BlockBytes..])
            {
                ReadOnlySpan<byte> group = panel.Slice(layout.HeaderBytes + (i * layout.GroupBytes), layout.GroupBytes);
                float dx = BinaryPrimitives.ReadSingleLittleEndian(x[Int8Rows.ScaleOffset..]);
                sum = MathF.FusedMultiplyAdd(Integer(layout.Type, group, row, x), d * dx, sum);
                if (hasMinimum)
                {
                    float minimum = group[layout.GroupBytes - 8 + row];
                    sum = MathF.FusedMultiplyAdd(minimumScale * minimum, BinaryPrimitives.ReadSingleLittleEndian(x[Int8Rows.OffsetOffset..]), sum);
                }
            }
        }

        return sum;
    }

    private static int Integer(WeightType type, ReadOnlySpan<byte> group, int row, ReadOnlySpan<byte> x)
    {
        int sum = 0;
        for (int column = 0; column < PackedLayout.GroupColumns; column++)
        {
            int product = Weight(type, group, row, column) * (sbyte)x[column];
            sum += type switch
            {
                WeightType.Q4_K => group[128 + row] * product,
                WeightType.Q5_K => group[160 + row] * product,
                WeightType.Q6_K => (sbyte)group[192 + (8 * (column / 16)) + row] * product,
                _ => product,
            };
        }

        return sum;
    }

    private static int Weight(WeightType type, ReadOnlySpan<byte> group, int row, int column)
    {
        int quad = column / 4;
        int place = (4 * row) + (column % 4);
        if (type == WeightType.Q8_0)
        {
            return (sbyte)group[(32 * quad) + place];
        }

        int nibble = (group[(32 * (quad / 2)) + place] >> (4 * (quad % 2))) & 15;
        return type switch
        {
            WeightType.Q4_0 => nibble - 8,
            WeightType.IQ4_NL => NonlinearLevels.Values[nibble],
            WeightType.Q5_K => nibble + (((group[128 + place] >> quad) & 1) << 4),
            WeightType.Q6_K => nibble + (((group[128 + (32 * (quad / 4)) + place] >> (2 * (quad % 4))) & 3) << 4) - 32,
            _ => nibble,
        };
    }
}
