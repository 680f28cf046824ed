using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using NativeSplit.Transport.Links;

namespace NativeSplit.Transport.Bulk;

/// <summary>How far a transfer is.</summary>
public enum BulkStatus
{
    /// <summary>More is to come.</summary>
    Incomplete,

    /// <summary>All is there, and its hash is right.</summary>
    Complete,
}

/// <summary>Takes one transfer in, frame by frame, and writes it to a stream. Lives longer than a link: the rest may come over another.</summary>
/// <remarks>
/// For one caller at a time, usually the loop that receives. A slow target then holds up all frames of the link; an owner that minds copies the payload,
/// keeps the credit back (<see cref="SealedLink.HoldBulkCredit"/>) and accepts elsewhere. Nothing is ever allocated by what a peer says of lengths.
/// </remarks>
public sealed class BulkReceiver : IDisposable
{
    private readonly Stream _target;
    private readonly IncrementalHash _hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);

    /// <summary>Starts with nothing received.</summary>
    /// <param name="transfer">What must come: known to the owner, or what <see cref="TryReadBegin"/> said and the owner found good.</param>
    /// <param name="target">Writable and seekable, at the position where the transfer's first byte goes. Left open.</param>
    /// <exception cref="ArgumentException">The target can't be written or sought.</exception>
    public BulkReceiver(BulkTransfer transfer, Stream target)
    {
        ArgumentNullException.ThrowIfNull(transfer);
        ArgumentNullException.ThrowIfNull(target);
        if (!target.CanWrite || !target.CanSeek)
        {
            throw new ArgumentException("The target must be writable and seekable.", nameof(target));
        }

        Transfer = transfer;
        _target = target;
        Origin = target.Position;
    }

    /// <summary>What must come.</summary>
    public BulkTransfer Transfer { get; }

    /// <summary>Bytes received and written; where a sender goes on.</summary>
    public long Received { get; private set; }

    /// <summary>Whether all is there and its hash is right.</summary>
    public bool IsComplete { get; private set; }

    private long Origin { get; }

    /// <summary>Reads what a first frame offers. False when the payload doesn't begin a transfer.</summary>
    /// <param name="payload">Payload of a bulk frame.</param>
    /// <param name="transfer">What is offered.</param>
    /// <param name="position">Where the sender begins.</param>
    public static bool TryReadBegin(ReadOnlySpan<byte> payload, [NotNullWhen(true)] out BulkTransfer? transfer, out long position) =>
        BulkPayload.TryReadBegin(payload, out transfer, out position);

    /// <summary>Starts with what an earlier process has written: reads it again, for the hash.</summary>
    /// <param name="transfer">What must come.</param>
    /// <param name="target">Readable, writable and seekable, at the position of the transfer's first byte. Left open.</param>
    /// <param name="received">Bytes that it holds.</param>
    /// <param name="cancellationToken">Ends the reading.</param>
    /// <exception cref="ArgumentException">More than the transfer has, or a target that can't be used.</exception>
    /// <exception cref="EndOfStreamException">The target holds less.</exception>
    public static async Task<BulkReceiver> ResumeAsync(BulkTransfer transfer, Stream target, long received, CancellationToken cancellationToken)
    {
        var receiver = new BulkReceiver(transfer, target);
        try
        {
            ArgumentOutOfRangeException.ThrowIfNegative(received);
            ArgumentOutOfRangeException.ThrowIfGreaterThan(received, transfer.Length);
            byte[] piece = new byte[64 << 10];
            while (receiver.Received < received)
            {
                Memory<byte> part = piece.AsMemory(0, (int)Math.Min(piece.Length, received - receiver.Received));
                await target.ReadExactlyAsync(part, cancellationToken).ConfigureAwait(false);
                receiver._hash.AppendData(part.Span);
                receiver.Received += part.Length;
            }

            return receiver;
        }
        catch
        {
            receiver.Dispose();
            throw;
        }
    }

    /// <summary>Takes the payload of one bulk frame.</summary>
    /// <param name="payload">The payload; lent for the call.</param>
    /// <param name="cancellationToken">Ends the writing; what was half written is written again by the next frame at this position.</param>
    /// <exception cref="LinkException">
    /// <see cref="LinkFault.Malformed"/>: not a frame of this transfer, or not the next. <see cref="LinkFault.ContentMismatch"/>: all has come and
    /// hashes to something else; the receiver then has nothing, and the transfer must begin again at 0.
    /// </exception>
    /// <exception cref="IOException">The target can't be written.</exception>
    public async ValueTask<BulkStatus> AcceptAsync(ReadOnlyMemory<byte> payload, CancellationToken cancellationToken)
    {
        if (TryReadBegin(payload.Span, out BulkTransfer? transfer, out long position))
        {
            Begin(transfer, position);
        }
        else if (BulkPayload.TryReadData(payload.Span, out ulong at) && at == (ulong)Received && payload.Length - BulkPayload.DataOffset <= Transfer.Length - Received)
        {
            ReadOnlyMemory<byte> data = payload[BulkPayload.DataOffset..];
            _target.Position = Origin + Received;
            await _target.WriteAsync(data, cancellationToken).ConfigureAwait(false);
            _hash.AppendData(data.Span);
            Received += data.Length;
        }
        else
        {
            throw new LinkException(LinkFault.Malformed, $"A bulk frame isn't the next of '{Transfer.Name}' at byte {Received}. Send again from there.");
        }

        return IsComplete || (Received == Transfer.Length && await FinishAsync(cancellationToken).ConfigureAwait(false))
            ? BulkStatus.Complete
            : BulkStatus.Incomplete;
    }

    /// <summary>Frees the hash. The target stays open.</summary>
    public void Dispose() => _hash.Dispose();

    private void Begin(BulkTransfer transfer, long position)
    {
        if (!transfer.Equals(Transfer))
        {
            throw new LinkException(LinkFault.Malformed, $"'{transfer.Name}' of {transfer.Length} bytes isn't the '{Transfer.Name}' of {Transfer.Length} bytes that was expected.");
        }

        if (position == 0 && !IsComplete)
        {
            Restart();
        }
        else if (position != Received)
        {
            throw new LinkException(LinkFault.Malformed, $"'{Transfer.Name}' begins again at byte {position}; {Received} are here. Send from there, or from 0.");
        }
    }

    private async ValueTask<bool> FinishAsync(CancellationToken cancellationToken)
    {
        await _target.FlushAsync(cancellationToken).ConfigureAwait(false);
        byte[] hash = _hash.GetHashAndReset();
        if (!hash.AsSpan().SequenceEqual(Transfer.Sha256.Span))
        {
            Received = 0;
            throw new LinkException(
                LinkFault.ContentMismatch, $"'{Transfer.Name}' came with another hash than announced. Send it again from the start, or from another source.");
        }

        return IsComplete = true;
    }

    private void Restart()
    {
        Received = 0;
        _ = _hash.GetHashAndReset();
    }
}
