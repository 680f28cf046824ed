using System.Security.Cryptography;
using System.Security.Cryptography.Cose;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json;
using System.Text.Json.Serialization;
using NativeSplit.Model.Partitions;

namespace NativeSplit.Cluster.Weights;

/// <summary>A partition as it lies in storage.</summary>
/// <param name="PlainHash">SHA-256 of its plaintext, hexadecimal.</param>
/// <param name="PlainBytes">Bytes of its plaintext.</param>
/// <param name="Blob">SHA-256 of its sealed bytes, hexadecimal: its name in storage.</param>
/// <param name="SealedBytes">Bytes in storage.</param>
/// <param name="ChunkBytes">Plaintext of a chunk.</param>
public sealed record ManifestPartition(string PlainHash, long PlainBytes, string Blob, long SealedBytes, int ChunkBytes);

/// <summary>What a registry holds of one model: signed by the cluster authority, so that storage can't exchange, add or drop anything.</summary>
public sealed record WeightManifest
{
    /// <summary>The format written and read here.</summary>
    public const int CurrentFormat = 1;

    /// <summary>Longest manifest that is read.</summary>
    public const int MaxBytes = 64 << 20;

    private static readonly byte[] Purpose = "nativesplit weight manifest/1"u8.ToArray();

    /// <summary>Version of this format.</summary>
    public required int Format { get; init; }

    /// <summary>When it was made.</summary>
    public required DateTimeOffset Created { get; init; }

    /// <summary>The model: shape, and tensors by partition.</summary>
    public required PartitionedModel Model { get; init; }

    /// <summary>One entry per partition of the model, in its order.</summary>
    public required IReadOnlyList<ManifestPartition> Partitions { get; init; }

    /// <summary>Bytes in storage, over all partitions.</summary>
    public long SealedBytes => Partitions.Sum(partition => partition.SealedBytes);

    /// <summary>Signs: COSE_Sign1 (RFC 9052, section 4.2) with ES256, the JSON as payload, and a purpose as external data.</summary>
    /// <param name="authority">Certificate of the cluster authority, with its key.</param>
    /// <returns>The signed manifest.</returns>
    public byte[] Sign(X509Certificate2 authority)
    {
        ArgumentNullException.ThrowIfNull(authority);
        using ECDsa key = authority.GetECDsaPrivateKey() ?? throw new ArgumentException("The authority's key isn't here.", nameof(authority));
        byte[] payload = JsonSerializer.SerializeToUtf8Bytes(this, ManifestJsonContext.Default.WeightManifest);
        return CoseSign1Message.SignEmbedded(payload, new CoseSigner(key, HashAlgorithmName.SHA256), Purpose);
    }

    /// <summary>Checks the signature, then reads and judges.</summary>
    /// <param name="bytes">What <see cref="Sign"/> gave.</param>
    /// <param name="authority">Certificate of the cluster authority.</param>
    /// <param name="where">Where it comes from, for messages.</param>
    /// <exception cref="ClusterException"><see cref="ClusterFault.BadRegistry"/>: it isn't signed by this authority, or not a manifest.</exception>
    public static WeightManifest Open(byte[] bytes, X509Certificate2 authority, string where)
    {
        ArgumentNullException.ThrowIfNull(bytes);
        ArgumentNullException.ThrowIfNull(authority);
        ReadOnlyMemory<byte> payload = Verify(bytes, authority, where);
        try
        {
            WeightManifest manifest = JsonSerializer.Deserialize(payload.Span, ManifestJsonContext.Default.WeightManifest) ?? throw new JsonException("It is null.");
            return manifest.Problem() is { } problem ? throw new JsonException(problem) : manifest;
        }
        catch (JsonException e)
        {
            throw new ClusterException(ClusterFault.BadRegistry, $"{where} is signed by the cluster's authority but can't be used here: {e.Message} Push the model again with this release.", e);
        }
    }

    /// <summary>Index of a layer's partition.</summary>
    /// <param name="layer">The layer.</param>
    /// <exception cref="ArgumentOutOfRangeException">The model has no such layer.</exception>
    public int PartitionOf(int layer)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(layer);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(layer, Model.Shape.LayerCount);
        return layer + 1;
    }

    private static ReadOnlyMemory<byte> Verify(byte[] bytes, X509Certificate2 authority, string where)
    {
        try
        {
            CoseSign1Message message = CoseMessage.DecodeSign1(bytes);
            using ECDsa key = authority.GetECDsaPublicKey() ?? throw new CryptographicException("The authority's key isn't an elliptic-curve key.");
            if (message.Content is { } content && message.VerifyEmbedded(key, Purpose))
            {
                return content;
            }
        }
        catch (CryptographicException e)
        {
            throw new ClusterException(ClusterFault.BadRegistry, $"{where} isn't a signed manifest: {e.Message} Push the model again.", e);
        }

        throw new ClusterException(ClusterFault.BadRegistry, $"The signature of {where} isn't one of this cluster's authority: the file was altered, or is another cluster's. Push the model again.");
    }

    private string? Problem()
    {
        if (Format != CurrentFormat)
        {
            return $"Its format is {Format}, this release reads {CurrentFormat}.";
        }

        if (!IsHash(Model.Fingerprint) || Model.Partitions.Count != Model.Shape.LayerCount + 2 || Partitions.Count != Model.Partitions.Count)
        {
            return $"It lists {Partitions.Count} partitions of a model of {Model.Shape.LayerCount} layers.";
        }

        for (int i = 0; i < Partitions.Count; i++)
        {
            (ManifestPartition sealedOne, ModelPartition plain) = (Partitions[i], Model.Partitions[i]);
            ModelPartitionKind kind = i == 0 ? ModelPartitionKind.Embedding : i == Partitions.Count - 1 ? ModelPartitionKind.Head : ModelPartitionKind.Layer;
            if (plain.Kind != kind || (kind == ModelPartitionKind.Layer && plain.Layer != i - 1))
            {
                return $"Its partition {i} is {plain.Name}.";
            }

            if (!IsHash(sealedOne.PlainHash) || !IsHash(sealedOne.Blob) || sealedOne.PlainBytes < 0 || sealedOne.PlainBytes != plain.ByteLength
                || sealedOne.ChunkBytes is < 1 or > PartitionFormat.MaxChunkBytes || sealedOne.SealedBytes != PartitionFormat.SealedBytes(sealedOne.PlainBytes, sealedOne.ChunkBytes))
            {
                return $"What it says of {plain.Name} contradicts itself.";
            }
        }

        return null;
    }

    private static bool IsHash(string text) => text.Length == 64 && text.All(char.IsAsciiHexDigitLower);
}

[JsonSourceGenerationOptions(JsonSerializerDefaults.Web, IgnoreReadOnlyProperties = true, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull, RespectNullableAnnotations = true, RespectRequiredConstructorParameters = true, UseStringEnumConverter = true)]
[JsonSerializable(typeof(WeightManifest))]
[JsonSerializable(typeof(WeightGrants))]
[JsonSerializable(typeof(PushJournal))]
internal sealed partial class ManifestJsonContext : JsonSerializerContext;
