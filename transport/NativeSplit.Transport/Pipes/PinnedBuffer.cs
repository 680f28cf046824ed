using System.Numerics;
using System.Runtime.InteropServices;
using NativeSplit.Transport.Frames;

namespace NativeSplit.Transport.Pipes;

/// <summary>
/// One contiguous, pinned, 64-byte aligned buffer that grows (doubling, so a few times in its life) up to a fixed ceiling and never
/// shrinks. Owned by one pipe end; memory lent from it is valid until the next <see cref="Grow"/>.
/// </summary>
internal sealed class PinnedBuffer
{
    private readonly int _ceiling;
    private byte[] _array;

    /// <summary>Makes the buffer.</summary>
    /// <param name="initialBytes">Bytes to start with.</param>
    /// <param name="ceilingBytes">Bytes it never exceeds; at least <paramref name="initialBytes"/> holds.</param>
    public PinnedBuffer(int initialBytes, int ceilingBytes)
    {
        _ceiling = Math.Max(initialBytes, ceilingBytes);
        Capacity = initialBytes;
        _array = Allocate(initialBytes, out int origin);
        Origin = origin;
    }

    /// <summary>Index of the first aligned byte in the array behind <see cref="Memory"/>.</summary>
    public int Origin { get; private set; }

    /// <summary>Usable bytes.</summary>
    public int Capacity { get; private set; }

    /// <summary>The usable bytes; the first one's address is a multiple of 64.</summary>
    public Memory<byte> Memory => _array.AsMemory(Origin, Capacity);

    /// <summary>Grows so that it holds at least <paramref name="neededBytes"/>, and moves the bytes in use to the front.</summary>
    /// <param name="neededBytes">Bytes needed in all; at most the ceiling.</param>
    /// <param name="used">The bytes in use.</param>
    /// <exception cref="ArgumentOutOfRangeException">More than the ceiling.</exception>
    public void Grow(int neededBytes, Range used)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(neededBytes, _ceiling);
        uint doubled = BitOperations.RoundUpToPowerOf2((uint)Math.Max(neededBytes, 1));
        int capacity = (int)Math.Min(doubled, (uint)_ceiling);
        byte[] grown = Allocate(capacity, out int origin);
        Memory.Span[used].CopyTo(grown.AsSpan(origin));
        (_array, Origin, Capacity) = (grown, origin, capacity);
    }

    /// <summary>Lets the memory go. The buffer is empty afterwards.</summary>
    public void Free() => (_array, Origin, Capacity) = ([], 0, 0);

    private static byte[] Allocate(int bytes, out int origin)
    {
        byte[] array = GC.AllocateUninitializedArray<byte>(bytes + FrameLayout.Alignment, pinned: true);
        nint address = Marshal.UnsafeAddrOfPinnedArrayElement(array, 0);
        origin = (int)(-address & (FrameLayout.Alignment - 1));
        return array;
    }
}
