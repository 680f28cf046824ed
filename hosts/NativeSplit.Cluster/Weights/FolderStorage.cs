using System.Text.RegularExpressions;
using NativeSplit.Cluster.Interop;

namespace NativeSplit.Cluster.Weights;

/// <summary>Keeps the objects of a registry as files of a folder. Several processes may use it beside each other.</summary>
/// <param name="root">The folder; made when first written.</param>
public sealed partial class FolderStorage(string root) : IWeightStorage
{
    private const string DraftFolder = "drafts";
    private static readonly TimeSpan DraftLife = TimeSpan.FromDays(1);

    /// <inheritdoc/>
    public string Location => root;

    /// <inheritdoc/>
    public Stream? TryOpen(string name) => Guard(name, "can't be opened", path =>
        File.Exists(path) ? new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read | FileShare.Delete, bufferSize: 0) : null);

    /// <inheritdoc/>
    public string Write(Func<Stream, string> write)
    {
        ArgumentNullException.ThrowIfNull(write);
        string folder = Path.Combine(root, DraftFolder);
        string draft = Path.Combine(folder, Guid.NewGuid().ToString("N"));
        try
        {
            Directory.CreateDirectory(folder);
            RemoveOldDrafts(folder);
            string name;
            using (var stream = new FileStream(draft, FileMode.CreateNew, FileAccess.ReadWrite, FileShare.None))
            {
                name = write(stream);
                stream.Flush(flushToDisk: true);
            }

            string path = PathOf(name);
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            File.Move(draft, path, overwrite: true);
            Libc.FlushFolder(Path.GetDirectoryName(path)!);
            return name;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new ClusterException(ClusterFault.BadRegistry, $"The registry {root} can't be written: {e.Message} Make room, or give a folder that this user may write; what is whole there stays and isn't written again.", e);
        }
        finally
        {
            TryDelete(draft);
        }
    }

    /// <inheritdoc/>
    public IReadOnlyList<string> List(string folder) => Guard(folder, "can't be read", path => Directory.Exists(path)
        ? Directory.EnumerateFiles(path, "*", SearchOption.AllDirectories).Select(file => Path.GetRelativePath(root, file).Replace(Path.DirectorySeparatorChar, '/')).Order(StringComparer.Ordinal).ToArray()
        : []);

    /// <inheritdoc/>
    public void Remove(string name) => Guard(name, "can't be removed", path =>
    {
        File.Delete(path);
        return true;
    });

    // What a killed push left behind.
    private static void RemoveOldDrafts(string folder)
    {
        foreach (string draft in Directory.EnumerateFiles(folder).Where(draft => DateTime.UtcNow - File.GetLastWriteTimeUtc(draft) > DraftLife))
        {
            TryDelete(draft);
        }
    }

    private static void TryDelete(string draft)
    {
        try
        {
            File.Delete(draft);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // A draft that stays takes room until the next write of another day; nothing reads it.
        }
    }

    private T Guard<T>(string name, string what, Func<string, T> use)
    {
        try
        {
            return use(PathOf(name));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new ClusterException(ClusterFault.BadRegistry, $"{name} of the registry {root} {what}: {e.Message}", e);
        }
    }

    private string PathOf(string name) => ObjectName().IsMatch(name) && !name.Contains("..", StringComparison.Ordinal)
        ? Path.Combine(root, name.Replace('/', Path.DirectorySeparatorChar))
        : throw new ClusterException(ClusterFault.BadRegistry, $"'{name}' can't be the name of an object in the registry {root}.");

    [GeneratedRegex("^[a-z0-9][a-z0-9.-]*(/[a-z0-9][a-z0-9.-]*){0,3}$", RegexOptions.CultureInvariant)]
    private static partial Regex ObjectName();
}
