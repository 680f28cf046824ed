using System.Buffers.Binary;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using NativeSplit.Transport.Links;
using NativeSplit.Transport.Pipes;
using NativeSplit.Transport.Sealing;

namespace NativeSplit.Transport.Handshakes;

/// <summary>The connector's side of one handshake (docs/wire.md, sections 2, 3 and 6). Owns its sockets until it hands them over.</summary>
/// <param name="endpoint">Address of the listener.</param>
/// <param name="options">Limits.</param>
internal sealed class ConnectorHandshake(EndPoint endpoint, LinkOptions options)
{
    private readonly string _address = endpoint is DnsEndPoint dns ? $"{dns.Host}:{dns.Port}" : endpoint.ToString()!;
    private string _stage = "connecting";
    private LinkFault _faultIfPeerCloses = LinkFault.Unreachable;
    private PeerCheck? _check;

    /// <summary>Opens a link.</summary>
    public async Task<SealedLink> ConnectAsync(string expectedPeer, LinkCredentials credentials, CancellationToken cancellationToken)
    {
        string self = credentials.RequireIdentity();
        Connection? control = null;
        Connection? data = null;
        SslStream? tls = null;
        try
        {
            control = await OpenAsync(endpoint, cancellationToken).ConfigureAwait(false);
            await OpenWithAsync(control, ConnectionKind.Control, cancellationToken).ConfigureAwait(false);
            _check = new PeerCheck(credentials.Authority, expectedPeer, credentials.IsRevoked, credentials.Clock);
            tls = await AuthenticateAsync(control, credentials.CreateContext(), TlsRules.LinkProtocol, cancellationToken).ConfigureAwait(false);

            // A listener that refuses our certificate closes right here, without a word.
            Enter("agreeing on keys (the peer may not accept our certificate)", LinkFault.AuthenticationFailed);
            using LinkAgreement agreement = await LinkAgreement.ConnectAsync(
                tls, self, expectedPeer, options, cancellationToken).ConfigureAwait(false);
            Enter("opening the data connection", LinkFault.Closed);
            data = await OpenAsync(endpoint is UnixDomainSocketEndPoint ? endpoint : control.RemoteEndPoint, cancellationToken).ConfigureAwait(false);
            await ClaimAsync(data, agreement, cancellationToken).ConfigureAwait(false);
            SealedLink link = agreement.CreateLink(data, new ControlConnection(control, tls), options);
            link.PeerCertificate = _check.Certificate;
            (control, data, tls) = (null, null, null);
            return link;
        }
        finally
        {
            await ReleaseAsync(tls, control, data).ConfigureAwait(false);
        }
    }

    /// <summary>Opens an enrolment.</summary>
    public async Task<Enrolment> EnrolAsync(ReadOnlyMemory<byte> authorityHash, CancellationToken cancellationToken)
    {
        Connection? connection = null;
        SslStream? tls = null;
        X509Certificate2? authority = null;
        try
        {
            connection = await OpenAsync(endpoint, cancellationToken).ConfigureAwait(false);
            await OpenWithAsync(connection, ConnectionKind.Enrolment, cancellationToken).ConfigureAwait(false);
            authority = await ReadAuthorityAsync(connection, authorityHash, cancellationToken).ConfigureAwait(false);
            _check = new PeerCheck(authority, expectedPeer: null);
            tls = await AuthenticateAsync(connection, certificate: null, TlsRules.EnrolmentProtocol, cancellationToken, owns: true)
                .ConfigureAwait(false);
            var enrolment = new Enrolment(tls, authority, _check.Identity!);
            (connection, tls, authority) = (null, null, null);
            return enrolment;
        }
        finally
        {
            authority?.Dispose();
            await ReleaseAsync(tls, connection, null).ConfigureAwait(false);
        }
    }

    /// <summary>Opens a renewal.</summary>
    public async Task<Enrolment> RenewAsync(string expectedPeer, LinkCredentials credentials, CancellationToken cancellationToken)
    {
        Connection? connection = null;
        try
        {
            connection = await OpenAsync(endpoint, cancellationToken).ConfigureAwait(false);
            await OpenWithAsync(connection, ConnectionKind.Renewal, cancellationToken).ConfigureAwait(false);
            _check = new PeerCheck(credentials.Authority, expectedPeer, credentials.IsRevoked, credentials.Clock);
            SslStream tls = await AuthenticateAsync(connection, credentials.CreateContext(), TlsRules.RenewalProtocol, cancellationToken, owns: true)
                .ConfigureAwait(false);
            connection = null;
            return new Enrolment(tls, credentials.Authority, expectedPeer);
        }
        finally
        {
            await ReleaseAsync(null, connection, null).ConfigureAwait(false);
        }
    }

    /// <summary>Says what an exception of the handshake means to the caller.</summary>
    /// <param name="exception">The exception.</param>
    public LinkException Explain(Exception exception)
    {
        if (exception is LinkException link)
        {
            return link;
        }

        LinkFault fault = Wire.FaultOf(exception);
        fault = fault switch
        {
            LinkFault.TimedOut when _faultIfPeerCloses == LinkFault.Unreachable => LinkFault.Unreachable,
            LinkFault.Closed => _faultIfPeerCloses,
            _ => fault,
        };
        return new LinkException(fault, fault switch
        {
            LinkFault.Unreachable => $"Nobody answers at {_address} ({exception.Message}). Check the address, and that the peer runs.",
            LinkFault.TimedOut => $"{_address} took longer than {options.HandshakeTimeout.TotalSeconds:0.#} s while {_stage}. Is it overloaded?",
            LinkFault.AuthenticationFailed when _check is { Identity: null } =>
                $"{_address} isn't the peer it must be: {_check.Problem}. Check the address and that both ends hold certificates of one authority.",
            LinkFault.AuthenticationFailed =>
                $"{_address} closed while {_stage}. Check that our certificate is valid and of the same authority.",
            _ => $"{_address} closed while {_stage}. Try again when the peer is ready.",
        }, exception);
    }

    private static async Task<Connection> OpenAsync(EndPoint address, CancellationToken cancellationToken)
    {
        if (address is InProcessEndPoint inside)
        {
            return inside.Connect();
        }

        if (address is IPEndPoint { Address.IsIPv4MappedToIPv6: true } mapped)
        {
            address = new IPEndPoint(mapped.Address.MapToIPv4(), mapped.Port);
        }

        // Without a family the socket is dual-mode and a DNS name's addresses are tried in turn.
        Socket socket = address.AddressFamily is AddressFamily.Unspecified or AddressFamily.Unknown
            ? new Socket(SocketType.Stream, ProtocolType.Tcp)
            : new Socket(address.AddressFamily, SocketType.Stream, address.AddressFamily == AddressFamily.Unix ? ProtocolType.Unspecified : ProtocolType.Tcp);
        try
        {
            await socket.ConnectAsync(address, cancellationToken).ConfigureAwait(false);
            return new SocketConnection(socket);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    private async Task OpenWithAsync(Connection connection, ConnectionKind kind, CancellationToken cancellationToken)
    {
        Enter("greeting", LinkFault.Closed);
        await connection.WriteAsync(new Preamble(kind).ToArray(), cancellationToken).ConfigureAwait(false);
        byte[] answer = new byte[Preamble.Bytes];
        await connection.ReadExactlyAsync(answer, cancellationToken).ConfigureAwait(false);
        PreambleStatus status = Preamble.TryParse(answer, out Preamble preamble);
        if (status == PreambleStatus.BadVersion || preamble.Answer == (byte)LinkFault.VersionMismatch)
        {
            throw new LinkException(
                LinkFault.VersionMismatch, $"{_address} speaks another version of the wire format than {Preamble.Version}. Run the same release at both ends.");
        }

        if (status != PreambleStatus.Complete || (preamble.Answer == 0 && preamble.Kind != kind))
        {
            throw new LinkException(LinkFault.Malformed, $"What answers at {_address} isn't a listener for links. Check the port.");
        }

        if (preamble.Answer != 0)
        {
            throw new LinkException(LinkFault.AuthenticationFailed, $"{_address} refuses {kind}. Enrol at the orchestrator.");
        }
    }

    private async Task<SslStream> AuthenticateAsync(
        Connection connection, SslStreamCertificateContext? certificate, SslApplicationProtocol protocol, CancellationToken cancellationToken, bool owns = false)
    {
        Enter("authenticating", LinkFault.Closed);
        var tls = new SslStream(new ConnectionStream(connection, owns));
        try
        {
            await tls.AuthenticateAsClientAsync(TlsRules.ForConnector(certificate, protocol, _check!), cancellationToken).ConfigureAwait(false);
            TlsRules.Require(tls, protocol, mutual: certificate is not null);
            return tls;
        }
        catch
        {
            await tls.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    private async Task<X509Certificate2> ReadAuthorityAsync(Connection connection, ReadOnlyMemory<byte> authorityHash, CancellationToken cancellationToken)
    {
        byte[] lengthBytes = new byte[sizeof(uint)];
        await connection.ReadExactlyAsync(lengthBytes, cancellationToken).ConfigureAwait(false);
        uint length = BinaryPrimitives.ReadUInt32LittleEndian(lengthBytes);
        if (length is 0 or > ListenerHandshakes.MaxAuthorityBytes)
        {
            throw new LinkException(LinkFault.Malformed, $"{_address} answers with an authority certificate of {length} bytes; at most {ListenerHandshakes.MaxAuthorityBytes} are taken.");
        }

        byte[] der = new byte[length];
        await connection.ReadExactlyAsync(der, cancellationToken).ConfigureAwait(false);

        // Nothing looks into these bytes before they are known to be the ones the token names.
        if (!CryptographicOperations.FixedTimeEquals(SHA256.HashData(der), authorityHash.Span))
        {
            throw new LinkException(
                LinkFault.AuthenticationFailed, $"The authority at {_address} isn't the one of the join token. Check the address, or make a new token.");
        }

        return X509CertificateLoader.LoadCertificate(der);
    }

    private static async Task ClaimAsync(Connection data, LinkAgreement agreement, CancellationToken cancellationToken)
    {
        byte[] preamble = new Preamble(ConnectionKind.Data).ToArray();
        byte[] opening = new byte[Preamble.Bytes + WaitingLinks.ClaimBytes];
        preamble.CopyTo(opening, 0);
        BinaryPrimitives.WriteUInt64LittleEndian(opening.AsSpan(Preamble.Bytes), agreement.ConnectionId);
        agreement.Keys.WriteProof(fromConnector: true, preamble, agreement.ConnectionId, opening.AsSpan(Preamble.Bytes + sizeof(ulong)));
        await data.WriteAsync(opening, cancellationToken).ConfigureAwait(false);
        byte[] proof = new byte[LinkKeys.SecretBytes];
        await data.ReadExactlyAsync(proof, cancellationToken).ConfigureAwait(false);
        if (!agreement.Keys.IsProof(fromConnector: false, preamble, agreement.ConnectionId, proof))
        {
            throw new LinkException(
                LinkFault.AuthenticationFailed, $"The data connection doesn't end at {agreement.Peer}. The network redirects it: check the route.");
        }
    }

    private void Enter(string stage, LinkFault faultIfPeerCloses) => (_stage, _faultIfPeerCloses) = (stage, faultIfPeerCloses);

    private static async ValueTask ReleaseAsync(SslStream? tls, Connection? first, Connection? second)
    {
        first?.Dispose();
        second?.Dispose();
        if (tls is not null)
        {
            await tls.DisposeAsync().ConfigureAwait(false);
        }
    }
}
