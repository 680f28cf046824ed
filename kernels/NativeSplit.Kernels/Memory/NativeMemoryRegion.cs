using System.Runtime.InteropServices;
using NativeSplit.Kernels.Interop;

namespace NativeSplit.Kernels.Memory;

/// <summary>Allocated memory, zeroed, aligned to 64 bytes (a cache line, the widest vector).</summary>
/// <remarks>
/// Whoever calls <see cref="Allocate"/> owns it and disposes it; a forgotten one is released by its finalizer. Large
/// regions take physical memory only as they are written.
/// </remarks>
public sealed unsafe class NativeMemoryRegion : MemoryRegion
{
    /// <summary>Alignment of the first byte.</summary>
    public const int Alignment = 64;

    private readonly void* _allocation;

    private NativeMemoryRegion(void* allocation, long length)
    {
        _allocation = allocation;
        Length = length;
        SetHandle((nint)(((nuint)allocation + Alignment - 1) & ~(nuint)(Alignment - 1)));
        MemoryAccounting.AddLive(length);
    }

    /// <inheritdoc/>
    public override long Length { get; }

    /// <summary>Allocates zeroed memory.</summary>
    /// <param name="length">Bytes; zero is allowed.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="length"/> is negative.</exception>
    /// <exception cref="KernelException"><see cref="KernelFault.OutOfMemory"/>: the system refused.</exception>
    public static NativeMemoryRegion Allocate(long length)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        try
        {
            // calloc leaves the pages of a large block untouched, AlignedAlloc plus Clear would not.
            void* allocation = NativeMemory.AllocZeroed(checked((nuint)length + Alignment));
            return new NativeMemoryRegion(allocation, length);
        }
        catch (Exception cause) when (cause is OutOfMemoryException or OverflowException)
        {
            throw new KernelException(
                KernelFault.OutOfMemory,
                $"The system has no {length} bytes of memory left; free some, or use a smaller model, context or batch.",
                cause);
        }
    }

    /// <summary>Lends part of the region for writing. The span is valid until the region is disposed.</summary>
    /// <param name="offset">Bytes from the start.</param>
    /// <param name="length">Bytes to lend.</param>
    /// <exception cref="ArgumentOutOfRangeException">The part isn't inside the region.</exception>
    /// <exception cref="ObjectDisposedException">The region was disposed.</exception>
    public Span<byte> BorrowWritable(long offset, int length)
    {
        ObjectDisposedException.ThrowIf(IsClosed, this);
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(offset, Length - length);
        return new Span<byte>((byte*)handle + offset, length);
    }

    /// <summary>Asks for huge pages, where the system has them: for memory that will be written whole and read again and again.</summary>
    /// <remarks>A hint, for Linux. The pages of a region that is written in part would take more memory than needed. Call it before the first write.</remarks>
    /// <exception cref="ObjectDisposedException">The region was disposed.</exception>
    public void PreferHugePages()
    {
        ObjectDisposedException.ThrowIf(IsClosed, this);
        nint start = (handle + Environment.SystemPageSize - 1) & -Environment.SystemPageSize;
        nint end = (nint)(handle + Length) & -Environment.SystemPageSize;
        if (OperatingSystem.IsLinux() && end > start)
        {
            _ = Libc.madvise(start, (nuint)(end - start), Libc.MADV_HUGEPAGE);
        }
    }

    /// <inheritdoc/>
    protected override bool ReleaseHandle()
    {
        NativeMemory.Free(_allocation);
        MemoryAccounting.AddLive(-Length);
        return true;
    }
}
