using NativeSplit.Kernels.Memory;

namespace NativeSplit.Kernels.Tests.Memory;

/// <summary>Files mapped for reading.</summary>
[Collection(MemoryAccountingCollection.Name)]
public sealed class MappedFileTests : IDisposable
{
    private readonly long _mapped = MemoryAccounting.MappedBytes;
    private readonly string _path = Path.Combine(Path.GetTempPath(), $"nativesplit-{Guid.NewGuid():N}.bin");

    public void Dispose()
    {
        File.Delete(_path);
        Assert.Equal(_mapped, MemoryAccounting.MappedBytes);
    }

    [Fact]
    public void Map_ShowsTheBytesOfTheFile_AtEveryOffset()
    {
        byte[] content = WriteFile(3 * Environment.SystemPageSize + 17);
        using var file = MappedFile.Open(_path);
        Assert.Equal(content.Length, file.Length);
        Assert.Equal(Path.GetFullPath(_path), file.Path);
        int page = Environment.SystemPageSize;
        foreach (var (offset, length) in ((int, int)[])[(0, content.Length), (0, 1), (1, 1), (page - 1, 2), (page, page), (page + 7, page), (content.Length - 1, 1)])
        {
            using MappedRegion region = file.Map(offset, length);
            Assert.Equal(offset, region.FileOffset);
            Assert.Equal(length, region.Length);
            Assert.Equal(_mapped + length, MemoryAccounting.MappedBytes);
            Assert.True(region.Borrow(0, length).SequenceEqual(content.AsSpan(offset, length)), $"offset {offset} length {length}");
        }
    }

    [Fact]
    public void Map_StaysValid_AfterTheFileIsClosedAndDeleted()
    {
        byte[] content = WriteFile(10_000);
        MappedRegion region;
        using (var file = MappedFile.Open(_path))
        {
            region = file.Map(5000, 1000);
        }

        File.Delete(_path);
        using (region)
        {
            Assert.True(region.Borrow(0, 1000).SequenceEqual(content.AsSpan(5000, 1000)));
        }

        Assert.Throws<ObjectDisposedException>(() => region.Borrow(0, 1).Length);
    }

    [Fact]
    public void Map_TakesOnlyThePagesOfTheExtent_OfASparseHugeFile()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "skipped: the size of the address space is read from /proc");
        using (var stream = File.Create(_path))
        {
            stream.SetLength(1L << 40);
        }

        using var file = MappedFile.Open(_path);
        using MappedRegion region = file.Map((1L << 40) - 5000, 5000);
        string range = File.ReadLines("/proc/self/maps").Single(line => line.EndsWith(_path, StringComparison.Ordinal)).Split(' ')[0];
        long[] ends = [.. range.Split('-').Select(end => Convert.ToInt64(end, 16))];
        Assert.True(ends[1] - ends[0] <= 5000 + (2 * Environment.SystemPageSize), range);
        Assert.False(region.Borrow(0, 5000).ContainsAnyExcept((byte)0));
    }

    [Fact]
    public void Map_Refuses_ExtentsOutsideTheFile()
    {
        WriteFile(100);
        using var file = MappedFile.Open(_path);
        foreach (var (offset, length) in ((long, long)[])[(0, 101), (100, 1), (99, 2), (long.MaxValue, 1), (1, long.MaxValue), (long.MaxValue, long.MaxValue)])
        {
            KernelException error = Assert.Throws<KernelException>(() => file.Map(offset, length));
            Assert.Equal(KernelFault.FileTooShort, error.Fault);
            Assert.Contains(_path, error.Message, StringComparison.Ordinal);
            Assert.Contains("100 bytes", error.Message, StringComparison.Ordinal);
        }

        Assert.Throws<ArgumentOutOfRangeException>(() => file.Map(-1, 1));
        Assert.Throws<ArgumentOutOfRangeException>(() => file.Map(0, 0));
        Assert.Throws<ArgumentOutOfRangeException>(() => file.Map(0, -1));
        file.Dispose();
        Assert.Throws<ObjectDisposedException>(() => file.Map(0, 1));
    }

    [Fact]
    public void Open_SaysWhatIsWrong_WhenTheFileCannotBeMapped()
    {
        KernelException missing = Assert.Throws<KernelException>(() => MappedFile.Open(_path));
        Assert.Equal(KernelFault.FileNotFound, missing.Fault);
        Assert.Contains(_path, missing.Message, StringComparison.Ordinal);

        KernelException noFolder = Assert.Throws<KernelException>(() => MappedFile.Open(Path.Combine(_path, "x.gguf")));
        Assert.Equal(KernelFault.FileNotFound, noFolder.Fault);

        KernelException folder = Assert.Throws<KernelException>(() => MappedFile.Open(Path.GetTempPath()));
        Assert.Equal(KernelFault.FileUnreadable, folder.Fault);

        File.WriteAllBytes(_path, []);
        KernelException empty = Assert.Throws<KernelException>(() => MappedFile.Open(_path));
        Assert.Equal(KernelFault.FileEmpty, empty.Fault);
        Assert.Contains(_path, empty.Message, StringComparison.Ordinal);

        Assert.Throws<ArgumentException>(() => MappedFile.Open(" "));
    }

    private byte[] WriteFile(int length)
    {
        byte[] content = new byte[length];
        new Random(71).NextBytes(content);
        File.WriteAllBytes(_path, content);
        return content;
    }
}
