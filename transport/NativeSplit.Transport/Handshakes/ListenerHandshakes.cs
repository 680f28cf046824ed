using System.Buffers.Binary;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using NativeSplit.Transport.Links;
using NativeSplit.Transport.Pipes;
using NativeSplit.Transport.Sealing;

namespace NativeSplit.Transport.Handshakes;

/// <summary>The listener's side of every handshake (docs/wire.md, sections 2, 3 and 6).</summary>
internal sealed class ListenerHandshakes
{
    /// <summary>Longest authority certificate that an enrolment may be answered with, in bytes of DER.</summary>
    public const int MaxAuthorityBytes = 16 << 10;

    private readonly CredentialSource _credentials;
    private readonly LinkOptions _options;
    private readonly Func<Stream, CancellationToken, Task>? _enrolment;
    private readonly Func<X509Certificate2, Stream, CancellationToken, Task>? _renewal;
    private readonly Func<SealedLink, bool> _deliver;
    private readonly PendingSet _handshakes;
    private readonly PendingSet _enrolments;
    private readonly WaitingLinks _waiting = new();
    private readonly long[] _failures = new long[Enum.GetValues<LinkFault>().Length + 1];

    /// <summary>Makes the handshakes of a listener.</summary>
    /// <param name="credentials">Our identity and the root we trust.</param>
    /// <param name="options">Limits.</param>
    /// <param name="enrolment">Handler of enrolments, or null.</param>
    /// <param name="renewal">Handler of renewals, or null.</param>
    /// <param name="deliver">Takes a finished link; false when there is no room for it.</param>
    public ListenerHandshakes(
        CredentialSource credentials,
        LinkOptions options,
        Func<Stream, CancellationToken, Task>? enrolment,
        Func<X509Certificate2, Stream, CancellationToken, Task>? renewal,
        Func<SealedLink, bool> deliver)
    {
        options.Validate();
        _credentials = credentials;
        _options = options;
        _enrolment = enrolment;
        _renewal = renewal;
        _deliver = deliver;
        _handshakes = new PendingSet(options.MaxPendingHandshakes);
        _enrolments = new PendingSet(options.MaxPendingEnrolments);
    }

    /// <summary>Handshakes that are unfinished now.</summary>
    public int Pending => _handshakes.Count + _enrolments.Count;

    /// <summary>Failures so far, by reason; reasons that never came are absent.</summary>
    public Dictionary<LinkFault, long> Failures()
    {
        var failures = new Dictionary<LinkFault, long>();
        foreach (LinkFault fault in Enum.GetValues<LinkFault>())
        {
            long count = Volatile.Read(ref _failures[(int)fault]);
            if (count > 0)
            {
                failures.Add(fault, count);
            }
        }

        return failures;
    }

    /// <summary>Serves one accepted connection to its end or until it belongs to a link. Never throws because of the peer.</summary>
    /// <param name="connection">The connection; owned from here.</param>
    /// <param name="lifetime">Ends it when the listener stops.</param>
    public async Task ServeAsync(Connection connection, CancellationToken lifetime)
    {
        bool handedOver = false;
        try
        {
            handedOver = await ServeCoreAsync(connection, lifetime).ConfigureAwait(false);
        }
        catch (Exception e)
        {
            // Everything: this is the root of a task that a stranger started, and whatever he provoked must not outlive his connection.
            if (!lifetime.IsCancellationRequested)
            {
                Count(Wire.FaultOf(e));
            }
        }
        finally
        {
            if (!handedOver)
            {
                connection.Dispose();
            }
        }
    }

    private async Task<bool> ServeCoreAsync(Connection connection, CancellationToken lifetime)
    {
        Preamble preamble;
        using (PendingSet.Entry entry = Enter(_handshakes, _options.HandshakeTimeout, lifetime))
        {
            byte[] bytes = new byte[Preamble.Bytes];
            await connection.ReadExactlyAsync(bytes, entry.Token).ConfigureAwait(false);
            preamble = await JudgeAsync(connection, bytes, entry.Token).ConfigureAwait(false);
            switch (preamble.Kind)
            {
                case ConnectionKind.Control:
                    return await ServeControlAsync(connection, entry).ConfigureAwait(false);
                case ConnectionKind.Data:
                    return await ServeDataAsync(connection, bytes, entry.Token).ConfigureAwait(false);
            }
        }

        await (preamble.Kind == ConnectionKind.Renewal ? ServeRenewalAsync(connection, lifetime) : ServeEnrolmentAsync(connection, lifetime)).ConfigureAwait(false);
        return false;
    }

    private static PendingSet.Entry Enter(PendingSet set, TimeSpan timeout, CancellationToken lifetime) =>
        set.TryEnter(timeout, lifetime) ?? throw new LinkException(LinkFault.TimedOut, "Too many handshakes are unfinished.");

    private static async Task<Preamble> JudgeAsync(Connection connection, byte[] bytes, CancellationToken cancellationToken)
    {
        switch (Preamble.TryParse(bytes, out Preamble preamble))
        {
            case PreambleStatus.Complete when preamble.Answer == 0:
                return preamble;
            case PreambleStatus.BadVersion:
                // The one failure a stranger is told of: it says no more than which release runs here.
                byte[] answer = new Preamble(ConnectionKind.Control, (byte)LinkFault.VersionMismatch).ToArray();
                await connection.WriteAsync(answer, cancellationToken).ConfigureAwait(false);
                throw new LinkException(LinkFault.VersionMismatch, "The peer speaks another version.");
            default:
                throw new LinkException(LinkFault.Malformed, "The peer didn't open with a preamble.");
        }
    }

    private async Task<bool> ServeControlAsync(Connection connection, PendingSet.Entry entry)
    {
        await connection.WriteAsync(new Preamble(ConnectionKind.Control).ToArray(), entry.Token).ConfigureAwait(false);
        CredentialSource.Held own = _credentials.Take();
        PeerCheck check = own.CreateCheck();
        var tls = new SslStream(new ConnectionStream(connection, owns: false));
        LinkAgreement? agreement = null;
        WaitingLinks.Waiting? waiting = null;
        bool handedOver = false;
        try
        {
            await tls.AuthenticateAsServerAsync(TlsRules.ForListener(own.Context, TlsRules.LinkProtocol, check), entry.Token).ConfigureAwait(false);
            TlsRules.Require(tls, TlsRules.LinkProtocol, mutual: true);
            string peer = check.Identity ?? throw new LinkException(LinkFault.AuthenticationFailed, $"A peer was refused: {check.Problem}.");
            agreement = await LinkAgreement.AcceptAsync(
                tls, _credentials.Identity, peer, _options, agreed => waiting = _waiting.Add(agreed), entry.Token).ConfigureAwait(false);
            entry.Prove();
            Connection data = await waiting!.ReceiveConnectionAsync(entry.Token).ConfigureAwait(false);
            byte[] proof = new byte[LinkKeys.SecretBytes];
            agreement.Keys.WriteProof(fromConnector: false, new Preamble(ConnectionKind.Data).ToArray(), agreement.ConnectionId, proof);
            await data.WriteAsync(proof, entry.Token).ConfigureAwait(false);
            SealedLink link = agreement.CreateLink(data, new ControlConnection(connection, tls), _options);
            link.PeerCertificate = check.Certificate;
            handedOver = waiting.IsTaken = true;
            if (!_deliver(link))
            {
                await link.DisposeAsync().ConfigureAwait(false);
            }

            return true;
        }
        finally
        {
            waiting?.Dispose();
            agreement?.Dispose();
            if (!handedOver)
            {
                await tls.DisposeAsync().ConfigureAwait(false);
            }
        }
    }

    private async Task<bool> ServeDataAsync(Connection connection, byte[] preamble, CancellationToken cancellationToken)
    {
        byte[] claim = new byte[WaitingLinks.ClaimBytes];
        await connection.ReadExactlyAsync(claim, cancellationToken).ConfigureAwait(false);
        return _waiting.TryClaim(preamble, claim, connection)
            ? true
            : throw new LinkException(LinkFault.AuthenticationFailed, "A data connection belongs to no link.");
    }

    private async Task ServeEnrolmentAsync(Connection connection, CancellationToken lifetime)
    {
        using PendingSet.Entry entry = Enter(_enrolments, _options.EnrolmentTimeout, lifetime);
        if (_enrolment is not { } handler)
        {
            throw await RefuseAsync(connection, ConnectionKind.Enrolment, entry.Token).ConfigureAwait(false);
        }

        // A handler that doesn't observe its token loses its stream.
        using CancellationTokenRegistration cut = entry.Token.UnsafeRegister(static s => ((Connection)s!).Dispose(), connection);
        CredentialSource.Held own = _credentials.Take();
        byte[] authority = own.Credentials.Authority.RawData;
        byte[] answer = new byte[Preamble.Bytes + sizeof(uint) + authority.Length];
        new Preamble(ConnectionKind.Enrolment).Format(answer);
        BinaryPrimitives.WriteInt32LittleEndian(answer.AsSpan(Preamble.Bytes), authority.Length);
        authority.CopyTo(answer, Preamble.Bytes + sizeof(uint));
        await connection.WriteAsync(answer, entry.Token).ConfigureAwait(false);
        await using var tls = new SslStream(new ConnectionStream(connection, owns: false));
        await tls.AuthenticateAsServerAsync(TlsRules.ForListener(own.Context, TlsRules.EnrolmentProtocol, peer: null), entry.Token)
            .ConfigureAwait(false);
        TlsRules.Require(tls, TlsRules.EnrolmentProtocol, mutual: false);
        await HandleAsync(() => handler(tls, entry.Token)).ConfigureAwait(false);
        await FinishAsync(connection, tls, entry.Token).ConfigureAwait(false);
    }

    private async Task ServeRenewalAsync(Connection connection, CancellationToken lifetime)
    {
        using PendingSet.Entry entry = Enter(_enrolments, _options.EnrolmentTimeout, lifetime);
        if (_renewal is not { } handler)
        {
            throw await RefuseAsync(connection, ConnectionKind.Renewal, entry.Token).ConfigureAwait(false);
        }

        using CancellationTokenRegistration cut = entry.Token.UnsafeRegister(static s => ((Connection)s!).Dispose(), connection);
        await connection.WriteAsync(new Preamble(ConnectionKind.Renewal).ToArray(), entry.Token).ConfigureAwait(false);
        CredentialSource.Held own = _credentials.Take();
        PeerCheck check = own.CreateCheck();
        await using var tls = new SslStream(new ConnectionStream(connection, owns: false));
        await tls.AuthenticateAsServerAsync(TlsRules.ForListener(own.Context, TlsRules.RenewalProtocol, check), entry.Token).ConfigureAwait(false);
        TlsRules.Require(tls, TlsRules.RenewalProtocol, mutual: true);
        if (check.Identity is null)
        {
            throw new LinkException(LinkFault.AuthenticationFailed, $"A peer was refused: {check.Problem}.");
        }

        entry.Prove();
        using X509Certificate2 peer = X509CertificateLoader.LoadCertificate(check.Certificate.Span);
        await HandleAsync(() => handler(peer, tls, entry.Token)).ConfigureAwait(false);
        await FinishAsync(connection, tls, entry.Token).ConfigureAwait(false);
    }

    private static async Task<LinkException> RefuseAsync(Connection connection, ConnectionKind kind, CancellationToken cancellationToken)
    {
        byte[] refusal = new Preamble(kind, (byte)LinkFault.AuthenticationFailed).ToArray();
        await connection.WriteAsync(refusal, cancellationToken).ConfigureAwait(false);
        return new LinkException(LinkFault.AuthenticationFailed, $"Nobody serves {kind} here.");
    }

    private static async Task HandleAsync(Func<Task> handler)
    {
        try
        {
            await handler().ConfigureAwait(false);
        }
        catch (Exception e) when (!Wire.IsExpected(e))
        {
            // The handler belongs to the caller; whatever it throws ends this connection and no other.
            throw new LinkException(LinkFault.Malformed, "The handler of an enrolment or renewal failed.", e);
        }
    }

    private static async Task FinishAsync(Connection connection, SslStream tls, CancellationToken cancellationToken)
    {
        await tls.ShutdownAsync().WaitAsync(cancellationToken).ConfigureAwait(false);
        connection.Shutdown(SocketShutdown.Send);
    }

    private void Count(LinkFault fault) => Interlocked.Increment(ref _failures[(int)fault]);
}
