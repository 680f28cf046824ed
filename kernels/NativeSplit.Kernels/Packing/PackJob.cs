using System.Runtime.Intrinsics;
using NativeSplit.Kernels.Threading;

namespace NativeSplit.Kernels.Packing;

/// <summary>Packs a matrix; panels are shared out.</summary>
internal sealed unsafe class PackJob(WeightMatrix source, PackedLayout layout, byte* target) : ITeamJob
{
    private volatile bool _hasOddScale;

    /// <summary>True when no scale that was packed is infinite or NaN.</summary>
    public bool HasFiniteScales => !_hasOddScale;

    /// <inheritdoc/>
    public void Execute(int part, int parts)
    {
        int panels = (source.Rows + PackedLayout.PanelRows - 1) / PackedLayout.PanelRows;
        var share = WorkSplit.Of(panels, 1, part, parts);
        long panelBytes = layout.PanelBytes(source.Columns);
        for (int panel = share.Start; panel < share.End; panel++)
        {
            PackPanel(panel * PackedLayout.PanelRows, target + (panel * panelBytes));
        }
    }

    // Block by block over the rows, so that every page of the target is written once and in order.
    private void PackPanel(int firstRow, byte* panel)
    {
        int rows = Math.Min(PackedLayout.PanelRows, source.Rows - firstRow);
        int blocks = source.Columns / source.Format.BlockLength;
        nint rowBytes = (nint)source.RowBytes;
        fixed (byte* first = source.BorrowRow(firstRow))
        {
            for (int block = 0; block < blocks; block++)
            {
                byte* packed = panel + ((nint)block * layout.BlockBytes);
                for (int row = 0; row < rows; row++)
                {
                    BlockPacker.Pack(layout, first + (row * rowBytes) + ((nint)block * source.Format.BlockBytes), row, packed);
                }

                CheckScales(packed);
            }
        }
    }

    private void CheckScales(byte* header)
    {
        Vector128<ushort> exponent = Vector128.Create((ushort)0x7C00);
        for (int offset = 0; offset < layout.HeaderBytes; offset += 16)
        {
            if (Vector128.EqualsAny(Vector128.Load((ushort*)(header + offset)) & exponent, exponent))
            {
                _hasOddScale = true;
            }
        }
    }
}
