using System.IO.MemoryMappedFiles;
using Microsoft.Win32.SafeHandles;

namespace NativeSplit.Kernels.Memory;

/// <summary>A file open for reading, from which extents are mapped into memory.</summary>
/// <remarks>Whoever opens it disposes it. Regions that it mapped stay valid afterwards. Safe for several threads.</remarks>
public sealed class MappedFile : IDisposable
{
    private readonly MemoryMappedFile _map;

    private MappedFile(string path, long length, MemoryMappedFile map)
    {
        Path = path;
        Length = length;
        _map = map;
    }

    /// <summary>Full path of the file.</summary>
    public string Path { get; }

    /// <summary>Length in bytes when it was opened.</summary>
    public long Length { get; }

    /// <summary>Opens a file.</summary>
    /// <param name="path">Path, absolute or relative to the working directory.</param>
    /// <exception cref="ArgumentException"><paramref name="path"/> is empty.</exception>
    /// <exception cref="KernelException">
    /// <see cref="KernelFault.FileNotFound"/>, <see cref="KernelFault.FileUnreadable"/> or <see cref="KernelFault.FileEmpty"/>.
    /// </exception>
    public static MappedFile Open(string path)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(path);
        string fullPath = System.IO.Path.GetFullPath(path);
        SafeFileHandle file = OpenFile(fullPath);
        try
        {
            long length = RandomAccess.GetLength(file);
            if (length == 0)
            {
                throw new KernelException(KernelFault.FileEmpty, $"The file {fullPath} is empty; fetch or copy it again.");
            }

            var map = MemoryMappedFile.CreateFromFile(
                file, mapName: null, capacity: 0, MemoryMappedFileAccess.Read, HandleInheritability.None, leaveOpen: false);
            return new MappedFile(fullPath, length, map);
        }
        catch (Exception cause)
        {
            file.Dispose();
            if (cause is IOException or UnauthorizedAccessException or NotSupportedException)
            {
                throw Unreadable(fullPath, cause);
            }

            throw;
        }
    }

    /// <summary>Maps an extent. Only the pages that hold it become part of the address space.</summary>
    /// <param name="offset">First byte; any value, the start of the page is found here.</param>
    /// <param name="length">Bytes.</param>
    /// <returns>The region; the caller owns it.</returns>
    /// <exception cref="ArgumentOutOfRangeException">A negative offset, or a length that isn't positive.</exception>
    /// <exception cref="ObjectDisposedException">The file was closed.</exception>
    /// <exception cref="KernelException">
    /// <see cref="KernelFault.FileTooShort"/>: the extent ends behind the file; <see cref="KernelFault.FileUnreadable"/>: the
    /// system refused the mapping.
    /// </exception>
    public MappedRegion Map(long offset, long length)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(length);
        if (length > Length - offset)
        {
            throw new KernelException(
                KernelFault.FileTooShort,
                $"The file {Path} has {Length} bytes, but {length} bytes at offset {offset} were asked for; it is truncated or corrupt, fetch or copy it again.");
        }

        try
        {
            using MemoryMappedViewAccessor view = _map.CreateViewAccessor(offset, length, MemoryMappedFileAccess.Read);
            return new MappedRegion(view, offset, length);
        }
        catch (Exception cause) when (cause is IOException or UnauthorizedAccessException)
        {
            throw Unreadable(Path, cause);
        }
    }

    /// <summary>Closes the file; its regions stay valid.</summary>
    public void Dispose() => _map.Dispose();

    private static SafeFileHandle OpenFile(string path)
    {
        try
        {
            return File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.Read | FileShare.Delete, FileOptions.RandomAccess);
        }
        catch (Exception cause) when (cause is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new KernelException(KernelFault.FileNotFound, $"There is no file {path}; check the path.", cause);
        }
        catch (Exception cause) when (cause is IOException or UnauthorizedAccessException)
        {
            throw Unreadable(path, cause);
        }
    }

    private static KernelException Unreadable(string path, Exception cause) => new(
        KernelFault.FileUnreadable,
        $"The file {path} can't be read: {cause.Message} Check that it is a regular file and that this user may read it.",
        cause);
}
