using System.Buffers;
using System.Runtime.CompilerServices;

namespace NativeSplit.Kernels.Memory;

/// <summary>A typed buffer outside the managed heap: zeroed, aligned to 64 bytes, of fixed length.</summary>
/// <typeparam name="T">Element type.</typeparam>
/// <remarks>
/// Whoever makes it owns it and disposes it. <see cref="Span"/> stays on the stack;
/// <see cref="MemoryManager{T}.Memory"/> may cross an await. Neither may be used after disposal. A pinned
/// <see cref="MemoryHandle"/> keeps the memory alive.
/// </remarks>
public sealed unsafe class NativeBuffer<T> : MemoryManager<T>, IDisposable
    where T : unmanaged
{
    private readonly NativeMemoryRegion _region;

    /// <summary>Allocates a zeroed buffer.</summary>
    /// <param name="length">Elements; zero is allowed.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="length"/> is negative.</exception>
    /// <exception cref="KernelException"><see cref="KernelFault.OutOfMemory"/>: the system refused.</exception>
    public NativeBuffer(int length)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        _region = NativeMemoryRegion.Allocate((long)length * Unsafe.SizeOf<T>());
        Length = length;
    }

    /// <summary>Number of elements.</summary>
    public int Length { get; }

    /// <summary>Lends all elements.</summary>
    /// <exception cref="ObjectDisposedException">The buffer was disposed.</exception>
    public Span<T> Span => GetSpan();

    /// <summary>Lends the memory below, for a <see cref="WeightMatrix"/>. The buffer stays its owner.</summary>
    public NativeMemoryRegion Region => _region;

    /// <inheritdoc/>
    public override Span<T> GetSpan()
    {
        ObjectDisposedException.ThrowIf(_region.IsClosed, this);
        return new Span<T>((void*)_region.DangerousGetHandle(), Length);
    }

    /// <inheritdoc/>
    public override MemoryHandle Pin(int elementIndex = 0)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan((uint)elementIndex, (uint)Length, nameof(elementIndex));
        bool added = false;
        _region.DangerousAddRef(ref added);
        return new MemoryHandle((T*)_region.DangerousGetHandle() + elementIndex, pinnable: this);
    }

    /// <inheritdoc/>
    public override void Unpin() => _region.DangerousRelease();

    /// <summary>Releases the memory; a second call does nothing.</summary>
    public void Dispose()
    {
        Dispose(disposing: true);
        GC.SuppressFinalize(this);
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _region.Dispose();
        }
    }
}
