using System.IO.MemoryMappedFiles;
using Microsoft.Win32.SafeHandles;

namespace NativeSplit.Kernels.Memory;

/// <summary>An extent of a file mapped for reading. Made by <see cref="MappedFile.Map"/>; whoever called that disposes it.</summary>
/// <remarks>
/// Pages are read from the file when first touched. The region outlives its <see cref="MappedFile"/>. If another
/// program cuts the file short meanwhile, a read past the new end kills the process (SIGBUS): replace model files by
/// renaming, never by writing into them.
/// </remarks>
public sealed unsafe class MappedRegion : MemoryRegion
{
    private readonly SafeMemoryMappedViewHandle _view;

    internal MappedRegion(MemoryMappedViewAccessor view, long offset, long length)
    {
        _view = view.SafeMemoryMappedViewHandle;
        FileOffset = offset;
        Length = length;
        byte* start = null;
        _view.AcquirePointer(ref start);

        // The view starts at a page border; PointerOffset leads to the byte that was asked for.
        SetHandle((nint)(start + view.PointerOffset));
        MemoryAccounting.AddMapped(length);
    }

    /// <inheritdoc/>
    public override long Length { get; }

    /// <summary>Offset of the first byte in the file.</summary>
    public long FileOffset { get; }

    /// <inheritdoc/>
    protected override bool ReleaseHandle()
    {
        _view.ReleasePointer();
        _view.Dispose();
        MemoryAccounting.AddMapped(-Length);
        return true;
    }
}
