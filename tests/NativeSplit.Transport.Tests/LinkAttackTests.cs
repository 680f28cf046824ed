using System.Buffers.Binary;
using System.Net.Sockets;
using NativeSplit.Transport.Frames;
using NativeSplit.Transport.Handshakes;
using NativeSplit.Transport.Links;
using NativeSplit.Transport.Tests.Support;

namespace NativeSplit.Transport.Tests;

/// <summary>Somebody in the middle alters, drops, repeats, reorders, reflects, splices and replays frames. All of it kills the link.</summary>
public sealed class LinkAttackTests
{
    private const int Timeout = 60_000;
    private const int PayloadBytes = 200;

    private static readonly int Frame = FrameLayout.FrameBytes(PayloadBytes);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public static TheoryData<int> EveryField() => [
        FrameLayout.MagicOffset, FrameLayout.VersionOffset, FrameLayout.TypeOffset, FrameLayout.FlagsOffset, FrameLayout.KeyPhaseOffset,
        FrameLayout.SequenceOffset, FrameLayout.ConnectionIdOffset, FrameLayout.EpochOffset, FrameLayout.ReservedOffset, FrameLayout.RowsOffset,
        FrameLayout.PrefixBytes, FrameLayout.PrefixBytes + PayloadBytes - 1, FrameLayout.PrefixBytes + PayloadBytes, Frame - 16, Frame - 1];

    [Theory(Timeout = Timeout)]
    [MemberData(nameof(EveryField))]
    public async Task ReceiveAsync_KillsTheLink_WhenOneBitIsFlipped(int offset)
    {
        LinkFault fault = await AttackAsync((_, index, frame) =>
        {
            if (index == 1)
            {
                frame[offset] ^= 1;
            }

            return [frame];
        });
        LinkFault expected = offset switch
        {
            FrameLayout.MagicOffset or FrameLayout.TypeOffset or FrameLayout.FlagsOffset or FrameLayout.KeyPhaseOffset => LinkFault.Malformed,
            FrameLayout.VersionOffset => LinkFault.VersionMismatch,
            _ => LinkFault.AuthenticationFailed,
        };
        Assert.Equal(expected, fault);
    }

    [Fact(Timeout = Timeout)]
    public async Task ReceiveAsync_KillsTheLink_WhenTheTypeBecomesAnother() =>
        Assert.Equal(LinkFault.AuthenticationFailed, await AttackAsync((_, _, frame) =>
        {
            frame[FrameLayout.TypeOffset] = (byte)FrameType.Control;
            return [frame];
        }));

    [Fact(Timeout = Timeout)]
    public async Task ReceiveAsync_KillsTheLink_WhenAFrameIsDropped() =>
        Assert.Equal(LinkFault.AuthenticationFailed, await AttackAsync((_, index, frame) => index == 1 ? [] : [frame]));

    [Fact(Timeout = Timeout)]
    public async Task ReceiveAsync_KillsTheLink_WhenAFrameIsRepeated() =>
        Assert.Equal(LinkFault.AuthenticationFailed, await AttackAsync((_, index, frame) => index == 0 ? [frame, frame] : [frame]));

    [Fact(Timeout = Timeout)]
    public async Task ReceiveAsync_KillsTheLink_WhenFramesAreReordered()
    {
        byte[]? kept = null;
        Assert.Equal(LinkFault.AuthenticationFailed, await AttackAsync((_, index, frame) =>
        {
            if (index == 1)
            {
                kept = frame;
                return [];
            }

            return index == 2 ? [frame, kept!] : [frame];
        }));
    }

    [Fact(Timeout = Timeout)]
    public async Task ReceiveAsync_KillsTheLink_WhenARepeatedFrameGetsTheNextSequence()
    {
        byte[]? first = null;
        Assert.Equal(LinkFault.AuthenticationFailed, await AttackAsync((_, index, frame) =>
        {
            first ??= [.. frame];
            byte[] forged = [.. first];
            BinaryPrimitives.WriteUInt64LittleEndian(forged.AsSpan(FrameLayout.SequenceOffset), (ulong)index);
            return [forged];
        }));
    }

    [Fact(Timeout = Timeout)]
    public async Task ReceiveAsync_KillsTheLink_WhenTheOwnFrameComesBack()
    {
        // The acceptor's own first frame, which has the sequence it waits for, is reflected to it.
        var reflected = new TaskCompletionSource<byte[]>();
        Assert.Equal(LinkFault.AuthenticationFailed, await AttackAsync(
            (way, index, frame) =>
            {
                if (way == Way.ToConnector)
                {
                    reflected.TrySetResult(frame);
                    return [frame];
                }

                return index == 0 ? [reflected.Task.GetAwaiter().GetResult()] : [frame];
            },
            before: pair => LinkSuite.SendManyAsync(pair.Acceptor, new byte[PayloadBytes], 1)));
    }

    [Fact(Timeout = Timeout)]
    public async Task ReceiveAsync_KillsTheLink_WhenAFrameOfAnotherLinkIsSplicedIn()
    {
        byte[]? foreign = null;
        await AttackAsync((_, index, frame) =>
        {
            foreign ??= frame;
            return index == 0 ? [frame] : null;
        });
        Assert.Equal(LinkFault.AuthenticationFailed, await AttackAsync((_, index, frame) => index == 0 ? [foreign!] : [frame]));

        // The same with the connection id made to fit.
        Assert.Equal(LinkFault.AuthenticationFailed, await AttackAsync((_, index, frame) =>
        {
            byte[] forged = [.. foreign!];
            frame.AsSpan(FrameLayout.ConnectionIdOffset, sizeof(ulong)).CopyTo(forged.AsSpan(FrameLayout.ConnectionIdOffset));
            return index == 0 ? [forged] : [frame];
        }));
    }

    [Theory(Timeout = Timeout)]
    [InlineData(1)]
    [InlineData(31)]
    [InlineData(64)]
    [InlineData(100)]
    [InlineData(-1)]
    public async Task ReceiveAsync_KillsTheLink_WhenAFrameIsTruncated(int bytes)
    {
        int kept = bytes < 0 ? Frame + bytes : bytes;
        Assert.Equal(LinkFault.Closed, await AttackAsync((_, index, frame) => index switch
        {
            0 => [frame],
            1 => [frame[..kept]],
            _ => null,
        }));
    }

    [Theory(Timeout = Timeout)]
    [InlineData(uint.MaxValue)]
    [InlineData(int.MaxValue)]
    [InlineData((uint)(64 << 20) + 1)]
    public async Task ReceiveAsync_KillsTheLinkWithoutWaiting_WhenTheLengthIsHuge(uint length)
    {
        Assert.Equal(LinkFault.TooLarge, await AttackAsync((_, index, frame) =>
        {
            if (index == 1)
            {
                BinaryPrimitives.WriteUInt32LittleEndian(frame.AsSpan(FrameLayout.LengthOffset), length);
                return [frame[..FrameLayout.PrefixBytes]];
            }

            return index > 1 ? [] : [frame];
        }));
    }

    [Fact(Timeout = Timeout)]
    public async Task ReceiveAsync_KillsTheLink_WhenTheLengthIsShortened() =>
        Assert.Equal(LinkFault.AuthenticationFailed, await AttackAsync((_, index, frame) =>
        {
            if (index == 1)
            {
                BinaryPrimitives.WriteUInt32LittleEndian(frame.AsSpan(FrameLayout.LengthOffset), 10);
            }

            return [frame];
        }));

    [Fact(Timeout = Timeout)]
    public async Task Peer_LearnsOnlyThatTheConnectionEnded_WhenASealIsBroken()
    {
        await using LinkPair pair = await LinkPair.OpenAsync(relay: endpoint => new Relay(endpoint, (_, _, frame) =>
        {
            frame[^1] ^= 1;
            return [frame];
        }));
        await pair.Connector.SendAsync(FrameType.Control, default, new byte[8], Token);
        await Assert.ThrowsAsync<LinkException>(async () => await pair.Acceptor.ReceiveAsync(Token));

        LinkException seen = await Assert.ThrowsAsync<LinkException>(async () => await pair.Connector.ReceiveAsync(Token));
        Assert.Equal(LinkFault.Closed, seen.Fault);
        int clearBytes = NativeSplit.Transport.Sealing.LinkKeys.SecretBytes;
        Assert.Equal(clearBytes, pair.Relay!.RecordOf(ConnectionKind.Data, Way.ToConnector).Length);
    }

    [Fact(Timeout = Timeout)]
    public async Task Listener_RefusesARecordedConnection_WhenItIsReplayed()
    {
        await using LinkPair pair = await LinkPair.OpenAsync(relay: endpoint => new Relay(endpoint));
        await LinkSuite.SendManyAsync(pair.Connector, new byte[PayloadBytes], 2);
        await pair.Acceptor.ReceiveAsync(Token);

        foreach (ConnectionKind kind in (ConnectionKind[])[ConnectionKind.Data, ConnectionKind.Control])
        {
            byte[] recorded = pair.Relay!.RecordOf(kind, Way.ToListener);
            using Socket socket = await LinkPair.DialAsync(pair.Listener.LocalEndPoint);
            await RawWire.WriteAsync(socket, recorded, Token);
            socket.Shutdown(SocketShutdown.Send);
            byte[] answer = await LinkPair.ReadToEndAsync(socket);
            Assert.True(kind == ConnectionKind.Control || answer.Length == 0);
        }

        await LinkPair.UntilAsync(() => pair.Listener.FailedHandshakes.Values.Sum() == 2);
        Assert.Equal(2, pair.Listener.FailedHandshakes[LinkFault.AuthenticationFailed]);
        Assert.Equal(ReceiveStatus.Frame, await pair.Acceptor.ReceiveAsync(Token));
    }

    private static async Task<LinkFault> AttackAsync(FrameRewriter rewrite, Func<LinkPair, Task>? before = null)
    {
        await using LinkPair pair = await LinkPair.OpenAsync(
            relay: endpoint => new Relay(endpoint, (way, index, frame) =>
                way == Way.ToListener || before is not null ? rewrite(way, index, frame) : [frame]));
        if (before is not null)
        {
            await before(pair);
        }

        await LinkSuite.SendManyAsync(pair.Connector, LinkSuite.Pattern(PayloadBytes, seed: 2), 3);
        LinkException e = await Assert.ThrowsAsync<LinkException>(async () =>
        {
            for (int i = 0; i < 4; i++)
            {
                await pair.Acceptor.ReceiveAsync(Token);
            }
        });

        // Once dead, dead for good, and for the same reason.
        LinkException again = await Assert.ThrowsAsync<LinkException>(async () => await pair.Acceptor.ReceiveAsync(Token));
        Assert.Equal(e.Fault, again.Fault);
        return e.Fault;
    }
}
