using System.Text;

namespace NativeSplit.Cluster.Weights;

/// <summary>The data keys of one model that are wrapped to one node. It needs no signature: a false key opens nothing.</summary>
/// <param name="Node">Name of the node, for people.</param>
/// <param name="Keys">Wrapped data keys by blob.</param>
internal sealed record WeightGrants(string Node, IReadOnlyDictionary<string, byte[]> Keys)
{
    /// <summary>Longest file of grants that is read.</summary>
    public const int MaxBytes = 16 << 20;

    /// <summary>What a wrapped key is for: this blob of this model, and nothing else.</summary>
    public static byte[] InfoOf(string fingerprint, string blob) => Encoding.ASCII.GetBytes($"nativesplit weight grant/1 {fingerprint} {blob}");
}

/// <summary>Partitions that a push has put into storage, kept until its manifest is there: what a push that was broken off need not do again.</summary>
/// <param name="Blobs">Names of blobs by hash of the plaintext. A hint: a blob is opened before it is believed.</param>
internal sealed record PushJournal(Dictionary<string, string> Blobs)
{
    /// <summary>Longest journal that is read.</summary>
    public const int MaxBytes = 4 << 20;
}
