using System.Buffers.Binary;
using NativeSplit.Transport.Frames;
using NativeSplit.Transport.Links;

namespace NativeSplit.Transport.Bulk;

/// <summary>How a transfer is sent.</summary>
public sealed record BulkSendOptions
{
    /// <summary>Most bytes a second, over the whole transfer; null: as fast as link, credit and source allow.</summary>
    public long? BytesPerSecond { get; init; }

    /// <summary>Clock of the rate.</summary>
    public TimeProvider Time { get; init; } = TimeProvider.System;
}

/// <summary>Sends something large over the bulk frames of a link, a piece at a time: it is never in memory whole.</summary>
/// <remarks>
/// When the link breaks, send again over a new one from where the receiver is (<see cref="BulkReceiver.Received"/>); how it tells is up to the
/// owners. One transfer at a time per header: the receiving owner tells transfers apart by it.
/// </remarks>
public static class BulkSender
{
    /// <summary>Sends a transfer from a position to its end. Completes when the last piece is handed to the socket; only the receiver knows that it is whole.</summary>
    /// <param name="link">The link; its owner must be receiving, since credit comes that way.</param>
    /// <param name="header">Inner header of every frame; the owners' own.</param>
    /// <param name="transfer">What is sent.</param>
    /// <param name="source">Readable, at <paramref name="position"/> of the transfer. Left open.</param>
    /// <param name="position">Where to begin: 0, or what the receiver has.</param>
    /// <param name="options">Rate.</param>
    /// <param name="cancellationToken">Ends the transfer between two frames.</param>
    /// <exception cref="ArgumentException">A position past the end, a rate below 1, or a link whose frames are too short for the name.</exception>
    /// <exception cref="EndOfStreamException">The source ends before the transfer does.</exception>
    /// <exception cref="LinkException">The link is dead.</exception>
    public static async Task SendAsync(
        SealedLink link, FrameHeader header, BulkTransfer transfer, Stream source, long position, BulkSendOptions options, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(link);
        ArgumentNullException.ThrowIfNull(transfer);
        ArgumentNullException.ThrowIfNull(source);
        ArgumentNullException.ThrowIfNull(options);
        ArgumentOutOfRangeException.ThrowIfNegative(position);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(position, transfer.Length);
        ArgumentOutOfRangeException.ThrowIfLessThan(options.BytesPerSecond ?? 1, 1, nameof(options));
        byte[] begin = BulkPayload.Begin(transfer, position);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(begin.Length, link.MaxBulkPayloadBytes, nameof(link));

        long start = options.Time.GetTimestamp();
        long sent = 0;
        byte[] piece = new byte[Math.Min(link.MaxBulkPayloadBytes - BulkPayload.DataOffset, transfer.Length - position)];
        await link.SendBulkAsync(header, begin, cancellationToken).ConfigureAwait(false);
        while (position < transfer.Length)
        {
            // Read before the link is asked for: a slow disk must not hold up other frames.
            Memory<byte> data = piece.AsMemory(0, (int)Math.Min(piece.Length, transfer.Length - position));
            await source.ReadExactlyAsync(data, cancellationToken).ConfigureAwait(false);
            await link.SendBulkAsync(header, new DataWriter(position, data), cancellationToken).ConfigureAwait(false);
            position += data.Length;
            sent += data.Length;
            if (options.BytesPerSecond is { } rate && position < transfer.Length)
            {
                TimeSpan ahead = TimeSpan.FromSeconds((double)sent / rate) - options.Time.GetElapsedTime(start);
                if (ahead > TimeSpan.Zero)
                {
                    await Task.Delay(ahead, options.Time, cancellationToken).ConfigureAwait(false);
                }
            }
        }
    }

    private readonly struct DataWriter(long position, ReadOnlyMemory<byte> data) : IPayloadWriter
    {
        public int Length => BulkPayload.DataOffset + data.Length;

        public void Write(Span<byte> payload)
        {
            BinaryPrimitives.WriteUInt32LittleEndian(payload[BulkPayload.MagicOffset..], BulkPayload.DataMagic);
            BinaryPrimitives.WriteUInt32LittleEndian(payload[BulkPayload.NameCharactersOffset..], 0);
            BinaryPrimitives.WriteInt64LittleEndian(payload[BulkPayload.PositionOffset..], position);
            data.Span.CopyTo(payload[BulkPayload.DataOffset..]);
        }
    }
}
