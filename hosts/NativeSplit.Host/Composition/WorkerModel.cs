using NativeSplit.Cluster.Identity;
using NativeSplit.Cluster.Weights;
using NativeSplit.Model.Files;

namespace NativeSplit.Host.Composition;

/// <summary>The model of a worker: a file here, or the layers that it is granted from a weight registry.</summary>
internal sealed class WorkerModel : IDisposable
{
    private readonly WeightKey? _key;

    private WorkerModel(ModelFile file, WeightKey? key) => (File, _key) = (file, key);

    public ModelFile File { get; }

    /// <summary>Public key to be granted layers; null for a file.</summary>
    public string? PublicKey => _key?.PublicText;

    public static WorkerModel OpenFile(string path) => new(ModelFile.Open(path), key: null);

    /// <summary>Opens a model of a registry.</summary>
    /// <param name="folder">The registry.</param>
    /// <param name="model">Name or start of the fingerprint; null: the only one there.</param>
    /// <param name="identity">Whose authority must have signed it.</param>
    /// <param name="store">Keeps the key; null: it lives as long as this process.</param>
    public static WorkerModel OpenRegistry(string folder, string? model, JoinedNode identity, CredentialStore? store)
    {
        var registry = new WeightRegistry(new FolderStorage(folder), identity.Credentials.Authority);
        WeightManifest manifest = registry.Find(model);
        WeightKey key = store?.LoadOrCreateWeightKey() ?? WeightKey.Create();
        try
        {
            return new WorkerModel(registry.OpenModel(manifest, key), key);
        }
        catch
        {
            key.Dispose();
            throw;
        }
    }

    public void Dispose()
    {
        File.Dispose();
        _key?.Dispose();
    }
}
