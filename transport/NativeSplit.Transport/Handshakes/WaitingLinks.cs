using System.Buffers.Binary;
using System.Collections.Concurrent;
using NativeSplit.Transport.Pipes;
using NativeSplit.Transport.Sealing;

namespace NativeSplit.Transport.Handshakes;

/// <summary>Links that were agreed on and wait for their data connection.</summary>
internal sealed class WaitingLinks
{
    /// <summary>Bytes after the preamble of a data connection: connection id, then proof.</summary>
    public const int ClaimBytes = sizeof(ulong) + LinkKeys.SecretBytes;

    private readonly ConcurrentDictionary<ulong, Waiting> _waiting = new();

    /// <summary>Starts to wait.</summary>
    /// <param name="agreement">What was agreed on; borrowed.</param>
    public Waiting Add(LinkAgreement agreement)
    {
        var waiting = new Waiting(this, agreement);
        return _waiting.TryAdd(agreement.ConnectionId, waiting)
            ? waiting
            : throw new InvalidOperationException($"Connection id {agreement.ConnectionId:x16} was drawn twice.");
    }

    /// <summary>
    /// Gives a data connection to the link it belongs to. False when the proof is wrong or nothing waits under that id; a wrong proof
    /// leaves the waiting link alone, a right one works once.
    /// </summary>
    /// <param name="preamble">Preamble of the data connection.</param>
    /// <param name="claim">Shape [<see cref="ClaimBytes"/>].</param>
    /// <param name="connection">The connection; owned by the link when true.</param>
    public bool TryClaim(ReadOnlySpan<byte> preamble, ReadOnlySpan<byte> claim, Connection connection)
    {
        ulong id = BinaryPrimitives.ReadUInt64LittleEndian(claim);
        return _waiting.TryGetValue(id, out Waiting? waiting)
            && waiting.Agreement.Keys.IsProof(fromConnector: true, preamble, id, claim[sizeof(ulong)..])
            && _waiting.TryRemove(id, out _)
            && waiting.TrySetConnection(connection);
    }

    /// <summary>One link that waits. Dispose to stop waiting.</summary>
    /// <param name="set">Where it waits.</param>
    /// <param name="agreement">What was agreed on.</param>
    internal sealed class Waiting(WaitingLinks set, LinkAgreement agreement) : IDisposable
    {
        private readonly TaskCompletionSource<Connection> _connection = new(TaskCreationOptions.RunContinuationsAsynchronously);

        /// <summary>What was agreed on.</summary>
        public LinkAgreement Agreement => agreement;

        /// <summary>Hands the connection over. False when nobody waits any more.</summary>
        public bool TrySetConnection(Connection connection) => _connection.TrySetResult(connection);

        /// <summary>The data connection; owned by the caller.</summary>
        public async Task<Connection> ReceiveConnectionAsync(CancellationToken cancellationToken)
        {
            using CancellationTokenRegistration registration = cancellationToken.UnsafeRegister(
                static (source, token) => ((TaskCompletionSource<Connection>)source!).TrySetCanceled(token), _connection);
            return await _connection.Task.ConfigureAwait(false);
        }

        /// <inheritdoc/>
        public void Dispose()
        {
            set._waiting.TryRemove(agreement.ConnectionId, out _);
            if (!_connection.TrySetCanceled() && _connection.Task.IsCompletedSuccessfully && !IsTaken)
            {
                _connection.Task.Result.Dispose();
            }
        }

        /// <summary>Whether a link owns the connection now.</summary>
        public bool IsTaken { get; set; }
    }
}
