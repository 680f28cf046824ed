using System.Collections.Concurrent;
using System.Security.Cryptography.X509Certificates;
using NativeSplit.Cluster.Links;

namespace NativeSplit.Cluster.Identity;

/// <summary>What a worker knows of revoked certificates: what its gateway told it. Grows only, for what is revoked stays so. Thread-safe.</summary>
/// <remarks>Bounded by what a gateway revokes within the life of this process; only the gateway is listened to.</remarks>
public sealed class RevokedCertificates
{
    private readonly ConcurrentDictionary<string, byte> _serials = new(StringComparer.OrdinalIgnoreCase);
    private readonly ConcurrentDictionary<PeerConnection, byte> _open = new();

    /// <summary>Whether a certificate was revoked. Asked in every handshake.</summary>
    /// <param name="certificate">A certificate of this cluster's authority.</param>
    public bool IsRevoked(X509Certificate2 certificate)
    {
        ArgumentNullException.ThrowIfNull(certificate);
        return _serials.ContainsKey(certificate.SerialNumber);
    }

    /// <summary>Adds certificates, and drops the watched links that rest on one of them.</summary>
    /// <param name="serials">Serial numbers, hexadecimal.</param>
    public void Add(IEnumerable<string> serials)
    {
        ArgumentNullException.ThrowIfNull(serials);
        foreach (string serial in serials)
        {
            _serials.TryAdd(serial, 0);
        }

        foreach (PeerConnection connection in _open.Keys)
        {
            DropIfRevoked(connection);
        }
    }

    /// <summary>Drops a link as soon as its peer's certificate is revoked, until it ends.</summary>
    /// <param name="connection">A link to another worker.</param>
    public void Watch(PeerConnection connection)
    {
        ArgumentNullException.ThrowIfNull(connection);
        _open[connection] = 0;
        _ = connection.Ended.ContinueWith(_ => _open.TryRemove(connection, out byte _), CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);

        // After it is listed: what is revoked between the handshake and here must not slip through.
        DropIfRevoked(connection);
    }

    private void DropIfRevoked(PeerConnection connection)
    {
        if (_serials.ContainsKey(connection.CertificateSerial))
        {
            connection.Drop($"The certificate of {connection.Peer.Node} was revoked.");
        }
    }
}
