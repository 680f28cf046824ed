using System.Text.Json.Serialization;

namespace NativeSplit.Cluster.Identity;

/// <summary>A new node's wish to be certified.</summary>
internal sealed record EnrolmentRequest
{
    public required byte[] Secret { get; init; }

    /// <summary>PKCS#10, DER.</summary>
    public required byte[] SigningRequest { get; init; }
}

/// <summary>A node's wish to have its certificate renewed. Who it is, TLS has proven.</summary>
internal sealed record RenewalRequest
{
    /// <summary>PKCS#10, DER, of a fresh key.</summary>
    public required byte[] SigningRequest { get; init; }
}

/// <summary>The authority's answer: a certificate, or nothing.</summary>
internal sealed record EnrolmentResponse
{
    /// <summary>X.509, DER; empty when refused.</summary>
    public required byte[] Certificate { get; init; }
}

[JsonSourceGenerationOptions(System.Text.Json.JsonSerializerDefaults.Web, RespectNullableAnnotations = true)]
[JsonSerializable(typeof(EnrolmentRequest))]
[JsonSerializable(typeof(RenewalRequest))]
[JsonSerializable(typeof(EnrolmentResponse))]
internal sealed partial class EnrolmentJsonContext : JsonSerializerContext;
