using System.Buffers.Binary;
using System.Net.Security;
using System.Security.Cryptography;
using System.Text;
using NativeSplit.Transport.Links;
using NativeSplit.Transport.Pipes;
using NativeSplit.Transport.Sealing;

namespace NativeSplit.Transport.Handshakes;

/// <summary>What both ends agreed on inside the control connection: who the peer is, limits, keys. Dispose wipes the keys.</summary>
/// <param name="IsConnector">Which end we are.</param>
/// <param name="Peer">Verified identity of the peer.</param>
/// <param name="Suite">The suite that was chosen.</param>
/// <param name="MaxPayloadBytes">Longest payload: the lesser of both ends'.</param>
/// <param name="ConnectionId">Id of the link.</param>
/// <param name="Keys">Keys of the link; owned.</param>
internal sealed record LinkAgreement(bool IsConnector, string Peer, CipherSuites Suite, int MaxPayloadBytes, ulong ConnectionId, LinkKeys Keys) : IDisposable
{
    private static readonly byte[] HashLabel = "nativesplit/1 handshake"u8.ToArray();

    /// <summary>The connector's part of the exchange of hellos: speaks first.</summary>
    /// <param name="tls">Authenticated control connection.</param>
    /// <param name="self">Our identity.</param>
    /// <param name="peer">Verified identity of the peer.</param>
    /// <param name="options">What we offer.</param>
    /// <param name="cancellationToken">Bounds the time.</param>
    /// <exception cref="LinkException">The peer's hello breaks the grammar or has another version.</exception>
    public static async Task<LinkAgreement> ConnectAsync(
        SslStream tls, string self, string peer, LinkOptions options, CancellationToken cancellationToken)
    {
        byte[] own = NewHello(options.Suites, options.MaxPayloadBytes, connectionId: 0);
        byte[] theirs = GC.AllocateArray<byte>(Hello.Bytes, pinned: true);
        try
        {
            await tls.WriteAsync(own, cancellationToken).ConfigureAwait(false);
            await tls.ReadExactlyAsync(theirs, cancellationToken).ConfigureAwait(false);
            Hello hello = Parse(theirs, fromConnector: false, peer);
            if ((hello.Suites & options.Suites) == CipherSuites.None)
            {
                throw NoCommonSuite(options.Suites, peer);
            }

            var keys = LinkKeys.Derive(hello.Suites, Hash(own, theirs, self, peer), own.AsSpan(Hello.SecretOffset), theirs.AsSpan(Hello.SecretOffset));
            return new LinkAgreement(IsConnector: true, peer, hello.Suites, Lesser(options.MaxPayloadBytes, hello), hello.ConnectionId, keys);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(own);
            CryptographicOperations.ZeroMemory(theirs);
        }
    }

    /// <summary>The listener's part of the exchange of hellos: chooses the connection id.</summary>
    /// <param name="tls">Authenticated control connection.</param>
    /// <param name="self">Our identity.</param>
    /// <param name="peer">Verified identity of the peer.</param>
    /// <param name="options">What we offer.</param>
    /// <param name="beforeAnswer">Called before our hello goes out: from then on the data connection may come.</param>
    /// <param name="cancellationToken">Bounds the time.</param>
    /// <exception cref="LinkException">The peer's hello breaks the grammar or has another version.</exception>
    public static async Task<LinkAgreement> AcceptAsync(
        SslStream tls, string self, string peer, LinkOptions options, Action<LinkAgreement> beforeAnswer, CancellationToken cancellationToken)
    {
        ulong connectionId = NewConnectionId();
        byte[] own = [];
        byte[] theirs = GC.AllocateArray<byte>(Hello.Bytes, pinned: true);
        LinkKeys? keys = null;
        try
        {
            await tls.ReadExactlyAsync(theirs, cancellationToken).ConfigureAwait(false);
            Hello hello = Parse(theirs, fromConnector: true, peer);
            CipherSuites suite = SuiteChoice.Choose(hello.Suites, options.Suites);
            own = NewHello(suite, options.MaxPayloadBytes, connectionId);
            if (suite == CipherSuites.None)
            {
                await tls.WriteAsync(own, cancellationToken).ConfigureAwait(false);
                throw NoCommonSuite(options.Suites, peer);
            }

            keys = LinkKeys.Derive(suite, Hash(theirs, own, peer, self), theirs.AsSpan(Hello.SecretOffset), own.AsSpan(Hello.SecretOffset));
            var agreement = new LinkAgreement(IsConnector: false, peer, suite, Lesser(options.MaxPayloadBytes, hello), connectionId, keys);
            beforeAnswer(agreement);
            await tls.WriteAsync(own, cancellationToken).ConfigureAwait(false);
            keys = null;
            return agreement;
        }
        finally
        {
            keys?.Dispose();
            CryptographicOperations.ZeroMemory(own);
            CryptographicOperations.ZeroMemory(theirs);
        }
    }

    /// <summary>Makes the link once the data connection is proven.</summary>
    /// <param name="data">Data connection; owned by the link from here.</param>
    /// <param name="control">Control connection; owned by the link from here.</param>
    /// <param name="options">Limits.</param>
    public SealedLink CreateLink(Connection data, ControlConnection control, LinkOptions options) => new(
        Peer,
        Suite,
        data,
        control,
        new FrameSealer(Keys.CreateCipher(fromConnector: IsConnector), ConnectionId, FrameSealer.DefaultLimitBytes),
        new FrameOpener(Keys.CreateCipher(fromConnector: !IsConnector), ConnectionId, MaxPayloadBytes),
        Keys.CreateChain(fromConnector: IsConnector),
        Keys.CreateChain(fromConnector: !IsConnector),
        options);

    /// <inheritdoc/>
    public void Dispose() => Keys.Dispose();

    /// <summary>
    /// Hash of everything that was agreed on outside the secrets:
    /// <c>SHA-256(label, both preambles, both hellos' parameters, both identities with their lengths)</c>, the connector's part first.
    /// Whoever changes any of it on the way gives the two ends different keys.
    /// </summary>
    /// <param name="connectorHello">Hello of the connector.</param>
    /// <param name="listenerHello">Hello of the listener.</param>
    /// <param name="connector">Identity of the connector.</param>
    /// <param name="listener">Identity of the listener.</param>
    internal static byte[] Hash(ReadOnlySpan<byte> connectorHello, ReadOnlySpan<byte> listenerHello, string connector, string listener)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        byte[] preamble = new Preamble(ConnectionKind.Control).ToArray();
        hash.AppendData(HashLabel);
        hash.AppendData(preamble);
        hash.AppendData(preamble);
        hash.AppendData(connectorHello[..Hello.SecretOffset]);
        hash.AppendData(listenerHello[..Hello.SecretOffset]);
        AppendIdentity(hash, connector);
        AppendIdentity(hash, listener);
        return hash.GetHashAndReset();
    }

    private static byte[] NewHello(CipherSuites suites, int maxPayloadBytes, ulong connectionId)
    {
        byte[] hello = GC.AllocateArray<byte>(Hello.Bytes, pinned: true);
        new Hello(suites, (uint)maxPayloadBytes, connectionId).Format(hello);
        RandomNumberGenerator.Fill(hello.AsSpan(Hello.SecretOffset));
        return hello;
    }

    private static Hello Parse(ReadOnlySpan<byte> source, bool fromConnector, string peer) =>
        Hello.TryParse(source, fromConnector, out Hello hello) is { } fault
            ? throw new LinkException(
                fault, $"The hello of {peer} isn't one of version {Frames.FrameLayout.Version}. Run the same release at both ends.")
            : hello;

    private static LinkException NoCommonSuite(CipherSuites own, string peer) => new(
        LinkFault.SuiteMismatch, $"{peer} shares none of our cipher suites ({own}). Let both ends offer one that both machines support.");

    private static int Lesser(int maxPayloadBytes, Hello hello) => (int)Math.Min((uint)maxPayloadBytes, hello.MaxPayloadBytes);

    private static void AppendIdentity(IncrementalHash hash, string identity)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(identity);
        Span<byte> length = stackalloc byte[sizeof(ushort)];
        BinaryPrimitives.WriteUInt16LittleEndian(length, checked((ushort)bytes.Length));
        hash.AppendData(length);
        hash.AppendData(bytes);
    }

    private static ulong NewConnectionId()
    {
        Span<byte> bytes = stackalloc byte[sizeof(ulong)];
        ulong id;
        do
        {
            RandomNumberGenerator.Fill(bytes);
            id = BinaryPrimitives.ReadUInt64LittleEndian(bytes);
        }
        while (id == 0);
        return id;
    }
}
