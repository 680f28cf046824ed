using System.Buffers;
using NativeSplit.Kernels.Formats;
using NativeSplit.Kernels.Memory;

namespace NativeSplit.Kernels.Tests.Memory;

/// <summary>Allocated memory: alignment, lending, release, accounting.</summary>
[Collection(MemoryAccountingCollection.Name)]
public sealed class NativeMemoryTests : IDisposable
{
    private readonly long _live = MemoryAccounting.LiveBytes;

    public void Dispose() => Assert.Equal(_live, MemoryAccounting.LiveBytes);

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(63)]
    [InlineData(4097)]
    [InlineData(10_000_000)]
    public void Allocate_GivesZeroedAlignedMemory_OfEveryLength(int length)
    {
        using var region = NativeMemoryRegion.Allocate(length);
        Assert.Equal(length, region.Length);
        Assert.Equal(_live + length, MemoryAccounting.LiveBytes);
        Assert.Equal(0, region.DangerousGetHandle() % NativeMemoryRegion.Alignment);
        Assert.False(region.Borrow(0, length).ContainsAnyExcept((byte)0));
        region.BorrowWritable(0, length).Fill(7);
        Assert.False(region.Borrow(0, length).ContainsAnyExcept((byte)7));
    }

    [Fact]
    public void Borrow_Refuses_PartsOutsideAndAfterRelease()
    {
        var region = NativeMemoryRegion.Allocate(100);
        Assert.Equal(0, region.Borrow(100, 0).Length);
        Assert.Throws<ArgumentOutOfRangeException>(() => region.Borrow(-1, 1).Length);
        Assert.Throws<ArgumentOutOfRangeException>(() => region.Borrow(0, 101).Length);
        Assert.Throws<ArgumentOutOfRangeException>(() => region.Borrow(long.MaxValue, 1).Length);
        Assert.Throws<ArgumentOutOfRangeException>(() => region.BorrowWritable(0, -1).Length);
        Assert.Throws<ArgumentOutOfRangeException>(() => region.BorrowWritable(99, 2).Length);
        region.Dispose();
        region.Dispose();
        Assert.Throws<ObjectDisposedException>(() => region.Borrow(0, 1).Length);
        Assert.Throws<ObjectDisposedException>(() => region.BorrowWritable(0, 1).Length);
    }

    [Fact]
    public void Allocate_Refuses_AbsurdLengths()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => NativeMemoryRegion.Allocate(-1));
        KernelException error = Assert.Throws<KernelException>(() => NativeMemoryRegion.Allocate(long.MaxValue));
        Assert.Equal(KernelFault.OutOfMemory, error.Fault);
        Assert.Throws<ArgumentOutOfRangeException>(() => new NativeBuffer<float>(-1));
    }

    [Fact]
    public async Task NativeBuffer_KeepsItsContent_AcrossAnAwait()
    {
        using var buffer = new NativeBuffer<float>(1000);
        Assert.Equal(_live + 4000, MemoryAccounting.LiveBytes);
        Memory<float> memory = buffer.Memory;
        memory.Span.Fill(3f);
        await Task.Yield();
        Assert.False(buffer.Span.ContainsAnyExcept(3f));
        Assert.Equal(1000, buffer.Length);
    }

    [Fact]
    public unsafe void NativeBuffer_StaysAlive_WhilePinned()
    {
        var buffer = new NativeBuffer<int>(4);
        buffer.Span[2] = 42;
        using (MemoryHandle pin = buffer.Memory.Pin())
        {
            buffer.Dispose();
            Assert.Equal(_live + 16, MemoryAccounting.LiveBytes);
            Assert.Equal(42, ((int*)pin.Pointer)[2]);
        }

        Assert.Equal(_live, MemoryAccounting.LiveBytes);
        Assert.Throws<ObjectDisposedException>(() => buffer.Span.Length);
        Assert.Throws<ArgumentOutOfRangeException>(() => buffer.Pin(5));
    }

    [Fact]
    public void WeightMatrix_Refuses_ShapesThatDoNotFit()
    {
        using var region = NativeMemoryRegion.Allocate(180);
        Assert.Equal(180, new WeightMatrix(region, 0, WeightType.Q4_0, 5, 64).ByteLength);
        Assert.Throws<ArgumentException>(() => new WeightMatrix(region, 0, WeightType.Q4_0, 6, 64));
        Assert.Throws<ArgumentException>(() => new WeightMatrix(region, 1, WeightType.Q4_0, 5, 64));
        Assert.Throws<ArgumentException>(() => new WeightMatrix(region, 0, WeightType.Q4_0, 1, 33));
        Assert.Throws<ArgumentException>(() => new WeightMatrix(region, 0, WeightType.Q4_0, int.MaxValue, int.MaxValue - 31));
        Assert.Throws<ArgumentException>(() => new WeightMatrix(region, 0, WeightType.F32, int.MaxValue, int.MaxValue));
        Assert.Throws<ArgumentOutOfRangeException>(() => new WeightMatrix(region, 0, WeightType.Q4_0, 0, 32));
        Assert.Throws<ArgumentOutOfRangeException>(() => new WeightMatrix(region, -1, WeightType.Q4_0, 1, 32));
        Assert.Throws<ArgumentOutOfRangeException>(() => new WeightMatrix(region, 0, (WeightType)99, 1, 32));
        Assert.Throws<ArgumentNullException>(() => new WeightMatrix(null!, 0, WeightType.Q4_0, 1, 32));
    }

    [Fact]
    public void WeightMatrix_KeepsTheRegionAlive_WhileItIsRead()
    {
        var region = NativeMemoryRegion.Allocate(4);
        var matrix = new WeightMatrix(region, 0, WeightType.F32, 1, 1);
        matrix.BeginRead();
        region.Dispose();
        Assert.Equal(_live + 4, MemoryAccounting.LiveBytes);
        matrix.EndRead();
        Assert.Equal(_live, MemoryAccounting.LiveBytes);
        Assert.Throws<ObjectDisposedException>(matrix.BeginRead);
    }
}

/// <summary>Classes that compare the process-wide byte counts run alone.</summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class MemoryAccountingCollection
{
    public const string Name = "memory accounting";
}
