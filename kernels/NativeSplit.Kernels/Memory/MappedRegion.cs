using System.IO.MemoryMappedFiles;
using Microsoft.Win32.SafeHandles;
using NativeSplit.Kernels.Interop;

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
    internal override void Discard(long offset, long length)
    {
        base.Discard(offset, length);
        if (!OperatingSystem.IsLinux())
        {
            return;
        }

        // Whole pages inside the part: a neighbour may be in use. A read-only mapping of a file has nothing to lose, so a refusal doesn't matter.
        nint page = Environment.SystemPageSize;
        nint start = (handle + (nint)offset + page - 1) & -page;
        nint end = (handle + (nint)(offset + length)) & -page;
        if (start < end)
        {
            _ = Libc.madvise(start, (nuint)(end - start), Libc.MADV_DONTNEED);
        }
    }

    /// <inheritdoc/>
    protected override bool ReleaseHandle()
    {
        _view.ReleasePointer();
        _view.Dispose();
        MemoryAccounting.AddMapped(-Length);
        return true;
    }
}
