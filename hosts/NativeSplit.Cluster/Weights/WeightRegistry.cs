using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using NativeSplit.Model;
using NativeSplit.Model.Files;
using NativeSplit.Model.Partitions;

namespace NativeSplit.Cluster.Weights;

/// <summary>
/// Models cut at their layers, in storage that needn't be trusted: a signed manifest for each, sealed partitions named by their hash, and data
/// keys wrapped to nodes. This is what everybody may do with it; <see cref="WeightPublisher"/> is for who holds the authority.
/// </summary>
/// <param name="storage">Where it is.</param>
/// <param name="authority">Certificate of the cluster authority, whose signature is believed.</param>
public sealed class WeightRegistry(IWeightStorage storage, X509Certificate2 authority)
{
    private const string ManifestFolder = "manifests";
    private const string ManifestEnd = ".cose";

    /// <summary>Where it is, for messages.</summary>
    public string Location => storage.Location;

    /// <summary>The storage.</summary>
    internal IWeightStorage Storage => storage;

    /// <summary>Name of a model's manifest in storage.</summary>
    internal static string ManifestName(string fingerprint) => $"{ManifestFolder}/{fingerprint}{ManifestEnd}";

    /// <summary>Name of a partition in storage.</summary>
    internal static string BlobName(string blob) => $"blobs/{blob[..2]}/{blob}";

    /// <summary>Name of a node's grants in storage.</summary>
    internal static string GrantName(string fingerprint, string publicKey) => $"grants/{fingerprint}/{WeightKey.IdOf(publicKey)}.json";

    /// <summary>Fingerprints of the models it holds; their manifests aren't read.</summary>
    /// <exception cref="ClusterException"><see cref="ClusterFault.BadRegistry"/>: it can't be read.</exception>
    public IReadOnlyList<string> List() =>
        [.. storage.List(ManifestFolder).Where(name => name.EndsWith(ManifestEnd, StringComparison.Ordinal)).Select(name => name[(ManifestFolder.Length + 1)..^ManifestEnd.Length])];

    /// <summary>Reads a manifest, its signature checked.</summary>
    /// <param name="fingerprint">Fingerprint of the model.</param>
    /// <exception cref="ClusterException"><see cref="ClusterFault.BadRegistry"/>: there is none, or it isn't one of this cluster.</exception>
    public WeightManifest Read(string fingerprint)
    {
        string name = ManifestName(fingerprint);
        byte[] bytes = ReadAll(name, WeightManifest.MaxBytes)
            ?? throw new ClusterException(ClusterFault.BadRegistry, $"The registry {Location} holds no model {fingerprint}. Push it with 'nativesplit model push', or see 'nativesplit model list'.");
        WeightManifest manifest = WeightManifest.Open(bytes, authority, $"{name} of the registry {Location}");
        return manifest.Model.Fingerprint == fingerprint
            ? manifest
            : throw new ClusterException(ClusterFault.BadRegistry, $"{name} of the registry {Location} is the manifest of another model, {manifest.Model.Fingerprint}. Push the model again.");
    }

    /// <summary>Finds a model by its name or the start of its fingerprint; without one, the only model there is.</summary>
    /// <exception cref="ClusterException"><see cref="ClusterFault.BadRegistry"/>: there is none, or more than one.</exception>
    public WeightManifest Find(string? nameOrFingerprint)
    {
        IReadOnlyList<string> all = List();
        WeightManifest[] found = nameOrFingerprint is null
            ? [.. all.Take(2).Select(Read)]
            : [.. all.Select(Read).Where(manifest => manifest.Model.Name == nameOrFingerprint || (nameOrFingerprint.Length >= 6 && manifest.Model.Fingerprint.StartsWith(nameOrFingerprint, StringComparison.Ordinal)))];
        string what = nameOrFingerprint is null ? "models" : $"models '{nameOrFingerprint}'";
        return found.Length == 1 ? found[0] : throw new ClusterException(ClusterFault.BadRegistry, found.Length == 0
            ? $"The registry {Location} holds no {what}. Push one with 'nativesplit model push', or see 'nativesplit model list'."
            : $"The registry {Location} holds several {what}. Say which with --model and its fingerprint (see 'nativesplit model list').");
    }

    /// <summary>Opens a model whose layers are fetched when they are loaded, as far as they are granted to a key.</summary>
    /// <param name="manifest">The model, from <see cref="Read"/> or <see cref="Find"/>.</param>
    /// <param name="key">The node's key; lent while the model is used.</param>
    /// <exception cref="ModelException">The manifest describes no model that can be used here.</exception>
    public ModelFile OpenModel(WeightManifest manifest, WeightKey key)
    {
        ArgumentNullException.ThrowIfNull(manifest);
        ArgumentNullException.ThrowIfNull(key);
        return ModelFile.OpenPartitioned(Location, manifest.Model, partition =>
        {
            ManifestPartition entry = manifest.Partitions[IndexOf(manifest, partition)];
            byte[] dataKey = UnwrapKey(manifest, partition, entry, key);
            try
            {
                return OpenPartition(partition, entry, dataKey);
            }
            finally
            {
                CryptographicOperations.ZeroMemory(dataKey);
            }
        });
    }

    /// <summary>Checks that every partition of a model lies in storage as its manifest lists it, by the hash of its sealed bytes.</summary>
    /// <param name="manifest">The model.</param>
    /// <param name="cancellationToken">Ends the check between two pieces.</param>
    /// <returns>Every partition with what is wrong with it, or null; as it goes.</returns>
    public IEnumerable<(string Partition, string? Fault)> Verify(WeightManifest manifest, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(manifest);
        for (int i = 0; i < manifest.Partitions.Count; i++)
        {
            yield return (manifest.Model.Partitions[i].Name, FaultOf(() => CheckBlob(manifest.Model.Partitions[i], manifest.Partitions[i], cancellationToken)));
        }
    }

    /// <summary>Opens a partition with its data key.</summary>
    internal OpeningStream OpenPartition(ModelPartition partition, ManifestPartition entry, ReadOnlySpan<byte> dataKey) =>
        new(OpenBlob(partition, entry), dataKey, entry, Where(partition, entry));

    /// <summary>What went wrong with the registry in an action; null when nothing did.</summary>
    internal static string? FaultOf(Action action)
    {
        try
        {
            action();
            return null;
        }
        catch (ClusterException e) when (e.Fault == ClusterFault.BadRegistry)
        {
            return e.Message;
        }
    }

    /// <summary>Reads a document; null when there is none.</summary>
    internal T? ReadDocument<T>(string name, int maxBytes, JsonTypeInfo<T> type)
        where T : class
    {
        try
        {
            return ReadAll(name, maxBytes) is { } bytes ? JsonSerializer.Deserialize(bytes, type) ?? throw new JsonException("It is null.") : null;
        }
        catch (JsonException e)
        {
            throw new ClusterException(ClusterFault.BadRegistry, $"{name} of the registry {Location} is damaged: {e.Message} Remove it, and grant or push again.", e);
        }
    }

    private static int IndexOf(WeightManifest manifest, ModelPartition partition) => partition.Kind switch
    {
        ModelPartitionKind.Embedding => 0,
        ModelPartitionKind.Head => manifest.Partitions.Count - 1,
        _ => manifest.PartitionOf(partition.Layer),
    };

    private byte[] UnwrapKey(WeightManifest manifest, ModelPartition partition, ManifestPartition entry, WeightKey key)
    {
        string fingerprint = manifest.Model.Fingerprint;
        WeightGrants? grants = ReadDocument(GrantName(fingerprint, key.PublicText), WeightGrants.MaxBytes, ManifestJsonContext.Default.WeightGrants);
        if (grants is null || !grants.Keys.TryGetValue(entry.Blob, out byte[]? wrapped))
        {
            throw new ClusterException(ClusterFault.NotAllowed, $"This node was not granted {partition.Name} of '{manifest.Model.Name}' in the registry {Location}. Start the gateway with --registry, or grant it with 'nativesplit model grant'.");
        }

        return key.TryUnwrap(WeightGrants.InfoOf(fingerprint, entry.Blob), wrapped) is { Length: PartitionFormat.KeyBytes } dataKey
            ? dataKey
            : throw new ClusterException(ClusterFault.BadRegistry, $"The grant of {partition.Name} of '{manifest.Model.Name}' in the registry {Location} can't be opened with this node's key: it was altered. Grant it again.");
    }

    private void CheckBlob(ModelPartition partition, ManifestPartition entry, CancellationToken cancellationToken)
    {
        using Stream blob = OpenBlob(partition, entry);
        if (blob.Length != entry.SealedBytes)
        {
            throw new ClusterException(ClusterFault.BadRegistry, $"{Where(partition, entry)} has {blob.Length} bytes instead of {entry.SealedBytes}.");
        }

        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        byte[] piece = new byte[1 << 18];
        for (int count; (count = blob.Read(piece)) > 0;)
        {
            cancellationToken.ThrowIfCancellationRequested();
            hash.AppendData(piece, 0, count);
        }

        if (Convert.ToHexStringLower(hash.GetHashAndReset()) != entry.Blob)
        {
            throw new ClusterException(ClusterFault.BadRegistry, $"{Where(partition, entry)} was altered or damaged: its hash isn't its name.");
        }
    }

    private Stream OpenBlob(ModelPartition partition, ManifestPartition entry) => storage.TryOpen(BlobName(entry.Blob))
        ?? throw new ClusterException(ClusterFault.BadRegistry, $"{Where(partition, entry)} is missing. Push the model again.");

    private string Where(ModelPartition partition, ManifestPartition entry) => $"{partition.Name} ({BlobName(entry.Blob)} of the registry {Location})";

    private byte[]? ReadAll(string name, int maxBytes)
    {
        using Stream? stream = storage.TryOpen(name);
        if (stream is null)
        {
            return null;
        }

        if (stream.Length > maxBytes)
        {
            throw new ClusterException(ClusterFault.BadRegistry, $"{name} of the registry {Location} has {stream.Length} bytes, more than the {maxBytes} that are read.");
        }

        byte[] bytes = new byte[stream.Length];
        stream.ReadExactly(bytes);
        return bytes;
    }
}
