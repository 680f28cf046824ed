using System.Net.Security;
using System.Security.Cryptography;
using NativeSplit.Transport.Pipes;
using NativeSplit.Transport.Sealing;

namespace NativeSplit.Transport.Links;

/// <summary>Takes what comes over a control connection. Called from its one read loop; must not wait.</summary>
internal interface IControlHandler
{
    /// <summary>A message came. False when it may not come now: the connection then ends as malformed.</summary>
    /// <param name="kind">What it says.</param>
    /// <param name="number">Its number.</param>
    /// <param name="secret">Shape [32]; lent for the call.</param>
    bool OnControl(ControlKind kind, ulong number, ReadOnlySpan<byte> secret);

    /// <summary>The connection has ended.</summary>
    /// <param name="malformed">Whether the peer broke the grammar.</param>
    void OnControlEnded(bool malformed);
}

/// <summary>
/// The TLS connection in which a link's secrets were exchanged. It stays open for the life of the link: new secrets and signs of life
/// go over it, beside frames that may be stuck, and its end tells that the peer has ended.
/// </summary>
/// <remarks>
/// One loop reads, one writer at a time writes: SslStream allows one read beside one write. It ends without TLS's close_notify: the goodbye is
/// the sealed close frame on the data connection, so the alert would add nothing, and a shutdown isn't safe beside a read.
/// Of each kind only the last message that wasn't written yet is kept, so a peer that doesn't read costs no memory.
/// </remarks>
/// <param name="connection">Connection under the stream; owned.</param>
/// <param name="stream">TLS stream after the handshake; owned.</param>
internal sealed class ControlConnection(Connection connection, SslStream stream) : IAsyncDisposable
{
    private readonly Lock _gate = new();
    private readonly Slot[] _slots = [new(ControlKind.KeyOffer), new(ControlKind.KeyAnswer), new(ControlKind.Ping), new(ControlKind.Pong)];
    private readonly byte[] _incoming = GC.AllocateArray<byte>(ControlMessage.Bytes, pinned: true);
    private readonly byte[] _outgoing = GC.AllocateArray<byte>(ControlMessage.Bytes, pinned: true);
    private Task _watch = Task.CompletedTask;
    private Task _writing = Task.CompletedTask;
    private bool _writes;
    private bool _closed;
    private long _received;

    /// <summary>Messages received.</summary>
    public long Received => Volatile.Read(ref _received);

    /// <summary>Starts to read.</summary>
    /// <param name="handler">Takes what comes.</param>
    public void Start(IControlHandler handler) => _watch = ReadAsync(handler);

    /// <summary>Sends a message soon, without waiting. One of the same kind that wasn't sent yet is dropped for it.</summary>
    /// <param name="kind">What it says.</param>
    /// <param name="number">Its number.</param>
    /// <param name="secret">Shape [32], or empty. Copied.</param>
    public void Post(ControlKind kind, ulong number, ReadOnlySpan<byte> secret)
    {
        lock (_gate)
        {
            Slot slot = _slots[(int)kind - 1];
            (slot.Wanted, slot.Number) = (true, number);
            secret.CopyTo(slot.Secret);
            if (!_writes && !_closed)
            {
                _writes = true;
                _writing = Task.Run(WriteAsync);
            }
        }
    }

    /// <summary>Breaks the connection at once.</summary>
    public void Abort() => connection.Dispose();

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        // The connection first: it ends the read and the write under way, and only then nobody uses the stream any more.
        connection.Dispose();
        Task writing;
        lock (_gate)
        {
            _closed = true;
            writing = _writing;
        }

        await _watch.ConfigureAwait(false);
        await writing.ConfigureAwait(false);
        await stream.DisposeAsync().ConfigureAwait(false);
    }

    private async Task ReadAsync(IControlHandler handler)
    {
        bool malformed = false;
        try
        {
            while (!malformed)
            {
                await stream.ReadExactlyAsync(_incoming, CancellationToken.None).ConfigureAwait(false);
                Volatile.Write(ref _received, _received + 1);
                malformed = !ControlMessage.TryParse(_incoming, out ControlKind kind, out ulong number)
                    || !handler.OnControl(kind, number, _incoming.AsSpan(ControlMessage.SecretOffset));
            }
        }
        catch (Exception)
        {
            // An abrupt end is an end, whatever the stream calls it: OpenSSL's errors come as types that can't be named here.
        }

        CryptographicOperations.ZeroMemory(_incoming);
        handler.OnControlEnded(malformed);
    }

    private async Task WriteAsync()
    {
        try
        {
            while (TakeNext())
            {
                await stream.WriteAsync(_outgoing, CancellationToken.None).ConfigureAwait(false);
            }
        }
        catch (Exception)
        {
            // As above; the read loop sees the end too, and reports it. Nothing more is written.
        }
    }

    private bool TakeNext()
    {
        lock (_gate)
        {
            foreach (Slot slot in _slots)
            {
                if (slot.Wanted)
                {
                    slot.Wanted = false;
                    ControlMessage.Format(slot.Kind, slot.Number, slot.Secret, _outgoing);
                    CryptographicOperations.ZeroMemory(slot.Secret);
                    return true;
                }
            }

            CryptographicOperations.ZeroMemory(_outgoing);
            return _writes = false;
        }
    }

    private sealed class Slot(ControlKind kind)
    {
        public ControlKind Kind => kind;

        public bool Wanted { get; set; }

        public ulong Number { get; set; }

        public byte[] Secret { get; } = GC.AllocateArray<byte>(LinkKeys.SecretBytes, pinned: true);
    }
}
