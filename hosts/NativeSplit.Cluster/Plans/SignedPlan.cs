using System.Security.Cryptography;
using System.Security.Cryptography.Cose;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json;
using System.Text.Json.Serialization;
using NativeSplit.Cluster.Identity;
using NativeSplit.Cluster.Messages;
using NativeSplit.Model;
using NativeSplit.Placement;

namespace NativeSplit.Cluster.Plans;

/// <summary>A plan as an orchestrator signed it: what a node may believe of a plan, whoever brings it.</summary>
/// <remarks>
/// COSE_Sign1 (RFC 9052, section 4.2) with ES256. The payload is JSON, external data name the purpose, and the protected header <c>x5chain</c>
/// (RFC 9360) carries the certificate by which the cluster authority delegated the right to sign to the orchestrator.
/// </remarks>
public sealed record SignedPlan
{
    /// <summary>The format written and read here.</summary>
    public const int CurrentFormat = 1;

    /// <summary>Longest signed plan: as base64 it fits into one control message.</summary>
    public const int MaxBytes = 40 << 10;

    /// <summary>Label of <c>x5chain</c> (RFC 9360, section 2).</summary>
    internal static readonly CoseHeaderLabel Chain = new(33);

    private static readonly byte[] Purpose = "nativesplit plan/1"u8.ToArray();

    private SignedPlan()
    {
    }

    /// <summary>Trust domain of the cluster it is for.</summary>
    public required string Cluster { get; init; }

    /// <summary>Term of leadership in which it was signed; each leader has a higher one than those before.</summary>
    public required ulong Term { get; init; }

    /// <summary>The plan, with its epoch, which rises over all terms.</summary>
    public required Plan Plan { get; init; }

    /// <summary>SHA-256 of the signed plan before it, hexadecimal; null for a cluster's first.</summary>
    public required string? Previous { get; init; }

    /// <summary>Fingerprint of the model.</summary>
    public required string Model { get; init; }

    /// <summary>When it was signed.</summary>
    public required DateTimeOffset Issued { get; init; }

    /// <summary>Until when it may be taken in. A plan that was taken in stays good: what serves must not end because an orchestrator is away.</summary>
    public required DateTimeOffset Expires { get; init; }

    /// <summary>Who signed.</summary>
    public required NodeIdentity Signer { get; init; }

    /// <summary>All of it, signed.</summary>
    public required ReadOnlyMemory<byte> Bytes { get; init; }

    /// <summary>SHA-256 of <see cref="Bytes"/>, hexadecimal: what the next plan names as its previous one.</summary>
    public string Hash => HashOf(Bytes.Span);

    /// <summary>SHA-256 of a signed plan, hexadecimal.</summary>
    /// <param name="signed">Its bytes.</param>
    public static string HashOf(ReadOnlySpan<byte> signed) => Convert.ToHexStringLower(SHA256.HashData(signed));

    /// <summary>Checks who signed, then reads. Neither its time nor its place among other plans is judged: see <see cref="PlanGuard"/>.</summary>
    /// <param name="bytes">What a <see cref="PlanSigner"/> gave.</param>
    /// <param name="authority">Certificate of the cluster authority.</param>
    /// <param name="at">When the signer's certificate must hold.</param>
    /// <param name="isRevoked">Whether a certificate of the authority was revoked.</param>
    /// <exception cref="PlanRefusedException">It isn't signed by an orchestrator of this authority, or isn't a plan.</exception>
    internal static SignedPlan Open(ReadOnlyMemory<byte> bytes, X509Certificate2 authority, DateTimeOffset at, Func<X509Certificate2, bool> isRevoked)
    {
        if (bytes.Length > MaxBytes)
        {
            throw new PlanRefusedException(PlanRefusal.Malformed, $"it has {bytes.Length} bytes, more than {MaxBytes}");
        }

        (ReadOnlyMemory<byte> payload, NodeIdentity signer) = Verify(bytes, authority, at, isRevoked);
        try
        {
            PlanStatement statement = JsonSerializer.Deserialize(payload.Span, PlanStatementJsonContext.Default.PlanStatement) ?? throw new JsonException("It is null.");
            if (statement.Format != CurrentFormat)
            {
                throw new JsonException($"Its format is {statement.Format}, this release reads {CurrentFormat}.");
            }

            return Of(statement, signer, bytes.ToArray());
        }
        catch (JsonException e)
        {
            throw new PlanRefusedException(PlanRefusal.Malformed, $"its signature holds, but {PeerText.Clean(e.Message)}");
        }
    }

    internal static SignedPlan Sign(PlanStatement statement, NodeIdentity signer, X509Certificate2 certificate, ECDsa key)
    {
        byte[] payload = JsonSerializer.SerializeToUtf8Bytes(statement, PlanStatementJsonContext.Default.PlanStatement);
        var headers = new CoseHeaderMap();
        headers.Add(Chain, CoseHeaderValue.FromBytes(certificate.RawData));
        byte[] bytes = CoseSign1Message.SignEmbedded(payload, new CoseSigner(key, HashAlgorithmName.SHA256, headers), Purpose);
        return bytes.Length <= MaxBytes
            ? Of(statement, signer, bytes)
            : throw new ClusterException(ClusterFault.Protocol, $"The plan has {statement.Segments.Count} segments and {bytes.Length} bytes when signed, more than {MaxBytes}: no node would read it.");
    }

    private static SignedPlan Of(PlanStatement statement, NodeIdentity signer, byte[] bytes) => new()
    {
        Cluster = statement.Cluster,
        Term = statement.Term,
        Plan = new Plan(new PlanEpoch(statement.Epoch), [.. statement.Segments.Select(Read)]),
        Previous = statement.Previous,
        Model = statement.Model,
        Issued = statement.Issued,
        Expires = statement.Expires,
        Signer = signer,
        Bytes = bytes,
    };

    private static PlanSegment Read(PlanStatementSegment segment) =>
        segment is { Layers: [int start, int end] } && start >= 0 && end > start && NodeId.IsValid(segment.Node)
            ? new PlanSegment(new LayerRange(start, end), new NodeId(segment.Node))
            : throw new JsonException("a segment of it has no node or no layers.");

    private static (ReadOnlyMemory<byte> Payload, NodeIdentity Signer) Verify(ReadOnlyMemory<byte> bytes, X509Certificate2 authority, DateTimeOffset at, Func<X509Certificate2, bool> isRevoked)
    {
        try
        {
            CoseSign1Message message = CoseMessage.DecodeSign1(bytes.Span);
            if (message.Content is not { } content || !message.ProtectedHeaders.TryGetValue(Chain, out CoseHeaderValue header))
            {
                throw new PlanRefusedException(PlanRefusal.Malformed, "it brings no payload, or no certificate of its signer");
            }

            using X509Certificate2 certificate = X509CertificateLoader.LoadCertificate(header.GetValueAsBytes());
            if (!AuthorityChain.IsValid(certificate, authority, at, out string problem))
            {
                throw new PlanRefusedException(PlanRefusal.WrongKey, $"its signer's certificate isn't one of this cluster's authority: {problem}");
            }

            if (!NodeIdentity.TryRead(certificate, out NodeIdentity signer) || signer.Role != NodeRole.Orchestrator || isRevoked(certificate))
            {
                throw new PlanRefusedException(PlanRefusal.WrongKey, "its signer is no orchestrator of this cluster, or was revoked");
            }

            using ECDsa key = certificate.GetECDsaPublicKey() ?? throw new CryptographicException("The signer's key isn't an elliptic-curve key.");
            return message.VerifyEmbedded(key, Purpose)
                ? (content, signer)
                : throw new PlanRefusedException(PlanRefusal.WrongKey, "its signature doesn't hold: it was altered, or signed with another key");
        }
        catch (Exception e) when (e is CryptographicException or InvalidOperationException)
        {
            throw new PlanRefusedException(PlanRefusal.Malformed, $"it isn't a signed plan: {PeerText.Clean(e.Message)}");
        }
    }
}

/// <summary>What is signed.</summary>
internal sealed record PlanStatement
{
    public required int Format { get; init; }

    public required string Cluster { get; init; }

    public required ulong Term { get; init; }

    public required ulong Epoch { get; init; }

    public string? Previous { get; init; }

    public required string Model { get; init; }

    public required IReadOnlyList<PlanStatementSegment> Segments { get; init; }

    public required DateTimeOffset Issued { get; init; }

    public required DateTimeOffset Expires { get; init; }
}

/// <summary>A segment of what is signed.</summary>
internal sealed record PlanStatementSegment(IReadOnlyList<int> Layers, string Node);

[JsonSourceGenerationOptions(JsonSerializerDefaults.Web, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull, UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow, RespectNullableAnnotations = true, RespectRequiredConstructorParameters = true)]
[JsonSerializable(typeof(PlanStatement))]
internal sealed partial class PlanStatementJsonContext : JsonSerializerContext;
