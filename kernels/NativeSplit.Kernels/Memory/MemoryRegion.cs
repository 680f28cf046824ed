using System.Runtime.InteropServices;

namespace NativeSplit.Kernels.Memory;

/// <summary>A stretch of memory outside the managed heap: allocated, or mapped from a file.</summary>
/// <remarks>The owner disposes it. Everyone else borrows: <see cref="WeightMatrix"/> keeps it alive while a kernel reads.</remarks>
public abstract class MemoryRegion : SafeHandle
{
    /// <summary>Starts an empty region; the derived class sets the handle.</summary>
    protected MemoryRegion() : base(0, ownsHandle: true)
    {
    }

    /// <summary>Length in bytes.</summary>
    public abstract long Length { get; }

    /// <inheritdoc/>
    public override bool IsInvalid => handle == 0;

    /// <summary>Says that part of the region isn't needed soon. Its contents stay; pages of a file may leave memory.</summary>
    internal virtual void Discard(long offset, long length) => ObjectDisposedException.ThrowIf(IsClosed, this);

    /// <summary>Lends part of the region. The span is valid until the region is disposed.</summary>
    /// <param name="offset">Bytes from the start.</param>
    /// <param name="length">Bytes to lend.</param>
    /// <exception cref="ArgumentOutOfRangeException">The part isn't inside the region.</exception>
    /// <exception cref="ObjectDisposedException">The region was disposed.</exception>
    public unsafe ReadOnlySpan<byte> Borrow(long offset, int length)
    {
        ObjectDisposedException.ThrowIf(IsClosed, this);
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(offset, Length - length);
        return new ReadOnlySpan<byte>((byte*)handle + offset, length);
    }
}
