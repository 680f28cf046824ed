using System.Security.Cryptography;
using System.Text.Json;
using NativeSplit.Cluster.Identity;
using NativeSplit.Model;
using NativeSplit.Model.Files;
using NativeSplit.Model.Partitions;
using NativeSplit.Placement;

namespace NativeSplit.Cluster.Weights;

/// <summary>What only the holder of the cluster authority does with a registry: put models in, grant partitions to nodes, check plaintext. Thread-safe.</summary>
/// <param name="registry">The registry.</param>
/// <param name="authority">Signs manifests.</param>
/// <param name="secret">What the data keys follow from.</param>
public sealed class WeightPublisher(WeightRegistry registry, ClusterAuthority authority, RegistrySecret secret)
{
    private readonly Lock _granting = new();

    /// <summary>Puts a model into the registry: seals what isn't there yet, then signs. Takes memory for one chunk. Broken off, it goes on where it was.</summary>
    /// <param name="model">The model.</param>
    /// <param name="now">Time to note.</param>
    /// <param name="report">Told of each partition, and whether it was there already.</param>
    /// <param name="cancellationToken">Ends it between two partitions; what was sealed stays.</param>
    /// <exception cref="ClusterException"><see cref="ClusterFault.BadRegistry"/>: the registry can't be read or written.</exception>
    public WeightManifest Push(ModelFile model, DateTimeOffset now, Action<ModelPartition, bool> report, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(report);
        PartitionedModel description = model.DescribePartitions();
        string journalName = $"pushes/{description.Fingerprint}.json";
        PushJournal journal = ReadJournal(journalName, description.Fingerprint);
        List<ManifestPartition> partitions = [];
        foreach (ModelPartition partition in description.Partitions)
        {
            cancellationToken.ThrowIfCancellationRequested();
            string plainHash = HashOf(model, partition);
            byte[] dataKey = secret.KeyOf(plainHash, PartitionFormat.ChunkBytes);
            ManifestPartition? found = FindSealed(partition, plainHash, dataKey, journal);
            ManifestPartition entry = found ?? Seal(model, partition, plainHash, dataKey);
            CryptographicOperations.ZeroMemory(dataKey);
            partitions.Add(entry);
            if (journal.Blobs.TryAdd(plainHash, entry.Blob) || found is null)
            {
                journal.Blobs[plainHash] = entry.Blob;
                Write(journalName, JsonSerializer.SerializeToUtf8Bytes(journal, ManifestJsonContext.Default.PushJournal));
            }

            report(partition, found is not null);
        }

        var manifest = new WeightManifest { Format = WeightManifest.CurrentFormat, Created = now, Model = description, Partitions = partitions };
        Write(WeightRegistry.ManifestName(description.Fingerprint), manifest.Sign(authority.Certificate));
        registry.Storage.Remove(journalName);
        return manifest;
    }

    /// <summary>Wraps the data keys of layers to a node's public key. Layers that it was granted before stay granted.</summary>
    /// <param name="manifest">The model.</param>
    /// <param name="node">The node, for people.</param>
    /// <param name="publicKey">Its <see cref="WeightKey.PublicText"/>, which came over an authenticated link or by an operator's hand.</param>
    /// <param name="layers">The layers.</param>
    /// <exception cref="ClusterException">
    /// <see cref="ClusterFault.BadRegistry"/>: the registry can't be written. <see cref="ClusterFault.Protocol"/>: it isn't a key, or the model has no such layers.
    /// </exception>
    public void Grant(WeightManifest manifest, NodeId node, string publicKey, LayerRange layers)
    {
        ArgumentNullException.ThrowIfNull(manifest);
        ArgumentNullException.ThrowIfNull(publicKey);
        using ECDiffieHellman recipient = WeightKey.TryReadPublic(publicKey)
            ?? throw new ClusterException(ClusterFault.Protocol, $"What {node} gave as its key for weights isn't a public key on P-256. 'nativesplit model key' shows the right one.");
        if (layers.End > manifest.Model.Shape.LayerCount)
        {
            throw new ClusterException(ClusterFault.Protocol, $"'{manifest.Model.Name}' has layers [0, {manifest.Model.Shape.LayerCount}), {layers} can't be granted to {node}.");
        }

        string name = WeightRegistry.GrantName(manifest.Model.Fingerprint, publicKey);
        lock (_granting)
        {
            WeightGrants? before = registry.ReadDocument(name, WeightGrants.MaxBytes, ManifestJsonContext.Default.WeightGrants);
            Dictionary<string, byte[]> keys = before is null ? [] : new(before.Keys, StringComparer.Ordinal);
            int count = keys.Count;
            using ECDiffieHellmanPublicKey publicPart = recipient.PublicKey;
            for (int layer = layers.Start; layer < layers.End; layer++)
            {
                ManifestPartition entry = manifest.Partitions[manifest.PartitionOf(layer)];
                if (!keys.ContainsKey(entry.Blob))
                {
                    byte[] dataKey = secret.KeyOf(entry.PlainHash, entry.ChunkBytes);
                    keys[entry.Blob] = Hpke.Wrap(publicPart, WeightGrants.InfoOf(manifest.Model.Fingerprint, entry.Blob), dataKey);
                    CryptographicOperations.ZeroMemory(dataKey);
                }
            }

            if (keys.Count > count)
            {
                Write(name, JsonSerializer.SerializeToUtf8Bytes(new WeightGrants(node.ToString(), keys), ManifestJsonContext.Default.WeightGrants));
            }
        }
    }

    /// <summary>Checks every partition to its plaintext: a damaged chunk is named.</summary>
    /// <param name="manifest">The model.</param>
    /// <param name="cancellationToken">Ends the check between two pieces.</param>
    /// <returns>Every partition with what is wrong with it, or null; as it goes.</returns>
    public IEnumerable<(string Partition, string? Fault)> Verify(WeightManifest manifest, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(manifest);
        for (int i = 0; i < manifest.Partitions.Count; i++)
        {
            (ModelPartition partition, ManifestPartition entry) = (manifest.Model.Partitions[i], manifest.Partitions[i]);
            yield return (partition.Name, WeightRegistry.FaultOf(() => Drain(partition, entry, secret.KeyOf(entry.PlainHash, entry.ChunkBytes), cancellationToken)));
        }
    }

    private static string HashOf(ModelFile model, ModelPartition partition)
    {
        using var hash = new HashingStream();
        model.CopyPartition(partition, hash);
        return hash.Finish();
    }

    /// <summary>What an earlier push noted; the partitions of the model's manifest, if it has one, are such notes too.</summary>
    private PushJournal ReadJournal(string name, string fingerprint)
    {
        PushJournal journal = new([]);
        WeightRegistry.FaultOf(() => journal = registry.ReadDocument(name, PushJournal.MaxBytes, ManifestJsonContext.Default.PushJournal) ?? journal);
        WeightRegistry.FaultOf(() =>
        {
            foreach (ManifestPartition entry in registry.Read(fingerprint).Partitions)
            {
                journal.Blobs.TryAdd(entry.PlainHash, entry.Blob);
            }
        });
        return journal;
    }

    /// <summary>A partition that is in storage already, opened to its end; null when it isn't, or is damaged.</summary>
    private ManifestPartition? FindSealed(ModelPartition partition, string plainHash, byte[] dataKey, PushJournal journal)
    {
        if (!journal.Blobs.TryGetValue(plainHash, out string? blob) || blob.Length != 64)
        {
            return null;
        }

        ManifestPartition entry = EntryOf(partition, plainHash, blob);
        return WeightRegistry.FaultOf(() => Drain(partition, entry, dataKey, CancellationToken.None)) is null ? entry : null;
    }

    private ManifestPartition Seal(ModelFile model, ModelPartition partition, string plainHash, byte[] dataKey)
    {
        string blob = string.Empty;
        registry.Storage.Write(destination =>
        {
            using var sealing = new SealingStream(destination, dataKey, partition.ByteLength);
            model.CopyPartition(partition, sealing);
            blob = sealing.Finish();
            return WeightRegistry.BlobName(blob);
        });
        return EntryOf(partition, plainHash, blob);
    }

    private void Drain(ModelPartition partition, ManifestPartition entry, byte[] dataKey, CancellationToken cancellationToken)
    {
        using OpeningStream stream = registry.OpenPartition(partition, entry, dataKey);
        byte[] piece = new byte[1 << 18];
        while (stream.Read(piece) > 0)
        {
            cancellationToken.ThrowIfCancellationRequested();
        }
    }

    private static ManifestPartition EntryOf(ModelPartition partition, string plainHash, string blob) =>
        new(plainHash, partition.ByteLength, blob, PartitionFormat.SealedBytes(partition.ByteLength, PartitionFormat.ChunkBytes), PartitionFormat.ChunkBytes);

    private void Write(string name, byte[] bytes) => registry.Storage.Write(stream =>
    {
        stream.Write(bytes);
        return name;
    });
}
