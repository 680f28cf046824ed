using NativeSplit.Kernels;
using NativeSplit.Kernels.Memory;
using NativeSplit.Model.Files;

namespace NativeSplit.Model.Weights;

/// <summary>One file that holds weights.</summary>
/// <param name="Path">The file.</param>
/// <param name="Length">Its length when its directory was read.</param>
/// <param name="Alignment">Every tensor starts at a multiple of it, so that smaller gaps are padding; 1 when nothing is promised.</param>
internal readonly record struct WeightPart(string Path, long Length, long Alignment);

/// <summary>The files or fetched parts of a model, kept open, and the tensors in them. Thread-safe.</summary>
internal sealed class WeightStore : IDisposable
{
    private readonly MappedFile[] _files;
    private readonly Func<int, long, long, MemoryRegion>? _fetch;
    private readonly Dictionary<string, StoredTensor> _tensors;

    /// <summary>Opens the files.</summary>
    /// <param name="parts">The files, in the order that <see cref="StoredTensor.Part"/> counts.</param>
    /// <param name="tensors">Every tensor, in file order; names are unique.</param>
    /// <exception cref="ModelException">A file changed since its directory was read, or can't be opened.</exception>
    public WeightStore(IReadOnlyList<WeightPart> parts, IReadOnlyList<StoredTensor> tensors)
    {
        Parts = parts;
        Tensors = tensors;
        _tensors = tensors.ToDictionary(tensor => tensor.Info.Name, StringComparer.Ordinal);
        _files = new MappedFile[parts.Count];
        try
        {
            for (int part = 0; part < parts.Count; part++)
            {
                _files[part] = Open(parts[part]);
            }
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>Opens parts that are fetched instead of mapped.</summary>
    /// <param name="parts">The parts, in the order that <see cref="StoredTensor.Part"/> counts.</param>
    /// <param name="tensors">Every tensor; names are unique.</param>
    /// <param name="fetch">Gives a stretch of a part, by first byte and length; the caller owns it.</param>
    public WeightStore(IReadOnlyList<WeightPart> parts, IReadOnlyList<StoredTensor> tensors, Func<int, long, long, MemoryRegion> fetch)
    {
        Parts = parts;
        Tensors = tensors;
        _tensors = tensors.ToDictionary(tensor => tensor.Info.Name, StringComparer.Ordinal);
        _files = [];
        _fetch = fetch;
    }

    /// <summary>The files.</summary>
    public IReadOnlyList<WeightPart> Parts { get; }

    /// <summary>Every tensor, in file order.</summary>
    public IReadOnlyList<StoredTensor> Tensors { get; }

    /// <summary>Finds a tensor by its name.</summary>
    public bool TryGet(string name, [System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out StoredTensor? tensor) => _tensors.TryGetValue(name, out tensor);

    /// <summary>Maps a stretch of a file; the caller owns the region, which outlives the store.</summary>
    /// <exception cref="ModelException">The system refused.</exception>
    public MemoryRegion Map(int part, long offset, long length)
    {
        if (_fetch is not null)
        {
            return _fetch(part, offset, length);
        }

        try
        {
            return _files[part].Map(offset, length);
        }
        catch (KernelException exception)
        {
            throw new ModelException(
                ModelFault.NotFound, $"{Parts[part].Path}: {length} bytes from byte {offset} can't be mapped: {exception.Message}", exception);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var file in _files)
        {
            file?.Dispose();
        }
    }

    private static MappedFile Open(WeightPart part)
    {
        var file = OpenFile(part.Path);
        if (file.Length == part.Length)
        {
            return file;
        }

        long length = file.Length;
        file.Dispose();
        throw new ModelException(
            ModelFault.Corrupt, $"{part.Path} changed from {part.Length} to {length} bytes while it was opened; wait until it is written, then try again.");
    }

    private static MappedFile OpenFile(string path)
    {
        try
        {
            return MappedFile.Open(path);
        }
        catch (KernelException exception)
        {
            throw new ModelException(ModelFault.NotFound, exception.Message, exception);
        }
    }
}
