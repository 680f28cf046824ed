using System.Net.Sockets;
using NativeSplit.Transport.Frames;
using NativeSplit.Transport.Links;
using NativeSplit.Transport.Pipes;
using NativeSplit.Transport.Sealing;
using NativeSplit.Transport.Tests.Support;

namespace NativeSplit.Transport.Tests;

/// <summary>The receiving half, fed with mutated streams: it delivers true frames in order, and then only ever a <see cref="LinkException"/>.</summary>
public sealed class FrameReceiverFuzzTests
{
    private const int MaxPayload = 2000;

    private static readonly byte[] Key = LinkSuite.Pattern(32, seed: 1);
    private static readonly byte[] Iv = LinkSuite.Pattern(12, seed: 2);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact(Timeout = 120_000)]
    public async Task ReceiveAsync_DeliversOnlyTrueFrames_WhenTheStreamIsMutated()
    {
        int seed = Environment.TickCount;
        TestContext.Current.TestOutputHelper?.WriteLine($"seed {seed}");
        var random = new Random(seed);
        for (int round = 0; round < 300; round++)
        {
            byte[][] payloads = [.. Enumerable.Range(0, 5).Select(_ => LinkSuite.Pattern(random.Next(0, MaxPayload), random.Next()))];
            byte[] stream = Mutate(Seal(payloads), random);
            await CheckAsync(payloads, stream);
        }
    }

    [Fact(Timeout = 120_000)]
    public async Task ReceiveAsync_SaysClosed_WhenTheStreamEndsAtAnyByte()
    {
        byte[][] payloads = [[1, 2, 3], new byte[100]];
        byte[] stream = Seal(payloads);
        for (int length = 0; length <= stream.Length; length++)
        {
            Assert.Equal(LinkFault.Closed, await CheckAsync(payloads, stream[..length]));
        }
    }

    private static async Task<LinkFault> CheckAsync(byte[][] payloads, byte[] stream)
    {
        (Socket near, Socket far) = await RawLinks.SocketsAsync();
        using (near)
        using (far)
        {
            await RawWire.WriteAsync(near, stream, Token);
            near.Shutdown(SocketShutdown.Send);
            var state = new LinkState("spiffe://fuzz", onEnd: () => { });
            using var receiver = new FrameReceiver(new SocketConnection(far), new FrameOpener(FrameCipher.Create(CipherSuites.Aes256Gcm, Key, Iv), connectionId: 3, MaxPayload), state);
            for (int delivered = 0; ; delivered++)
            {
                try
                {
                    await receiver.ReceiveAsync(Token);
                }
                catch (LinkException e)
                {
                    Assert.True(e.Fault is LinkFault.Closed or LinkFault.AuthenticationFailed or LinkFault.Malformed
                        or LinkFault.VersionMismatch or LinkFault.TooLarge);
                    return e.Fault;
                }

                Assert.True(receiver.Payload.Span.SequenceEqual(payloads[delivered]));
                Assert.Equal((ulong)delivered, receiver.Header.Batch);
            }
        }
    }

    private static byte[] Seal(byte[][] payloads)
    {
        using var sealer = new FrameSealer(FrameCipher.Create(CipherSuites.Aes256Gcm, Key, Iv), connectionId: 3, FrameSealer.DefaultLimitBytes);
        var stream = new MemoryStream();
        for (int i = 0; i < payloads.Length; i++)
        {
            byte[] frame = new byte[FrameLayout.FrameBytes(payloads[i].Length)];
            payloads[i].CopyTo(frame, FrameLayout.PrefixBytes);
            sealer.Seal(FrameType.Activations, new FrameHeader(1, (ulong)i, 0, 0, 0, 0), payloads[i].Length, frame);
            stream.Write(frame);
        }

        return stream.ToArray();
    }

    private static byte[] Mutate(byte[] stream, Random random)
    {
        var bytes = new List<byte>(stream);
        for (int mutations = random.Next(1, 4); mutations > 0 && bytes.Count > 0; mutations--)
        {
            int at = random.Next(bytes.Count);
            int count = Math.Min(random.Next(1, 200), bytes.Count - at);
            switch (random.Next(5))
            {
                case 0:
                    bytes[at] ^= (byte)(1 << random.Next(8));
                    break;
                case 1:
                    bytes.RemoveRange(at, count);
                    break;
                case 2:
                    bytes.InsertRange(random.Next(bytes.Count), bytes.GetRange(at, count));
                    break;
                case 3:
                    bytes.RemoveRange(at, bytes.Count - at);
                    break;
                default:
                    bytes[at] = (byte)random.Next(256);
                    break;
            }
        }

        return [.. bytes];
    }
}
