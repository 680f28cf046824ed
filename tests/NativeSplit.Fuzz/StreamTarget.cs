using System.Net;
using System.Net.Sockets;
using NativeSplit.Transport.Frames;
using NativeSplit.Transport.Links;
using NativeSplit.Transport.Pipes;
using NativeSplit.Transport.Sealing;

namespace NativeSplit.Fuzz;

/// <summary>The receiving half of a link, fed with a stream whose seals are all taken for whole: what lies behind the seal is read, too.</summary>
internal static class StreamTarget
{
    private const int MaxPayloadBytes = 2000;
    private const int MaxInputBytes = 16 << 10;
    private const ulong ConnectionId = 5;

    public static void Run(ReadOnlySpan<byte> input)
    {
        // The memory between the ends takes so much without a reader.
        byte[] stream = input[..Math.Min(input.Length, MaxInputBytes)].ToArray();
        (MemoryConnection near, MemoryConnection far) = MemoryConnection.Pair(new IPEndPoint(IPAddress.Loopback, 1), MaxInputBytes);
        using (near)
        using (far)
        {
            Complete(near.WriteAsync(stream, CancellationToken.None));
            near.Shutdown(SocketShutdown.Send);
            var state = new LinkState("spiffe://fuzz", onEnd: () => { });
            using var receiver = new FrameReceiver(far, new FrameOpener(new OpenCipher(), ConnectionId, MaxPayloadBytes), state);
            int taken = 0;
            try
            {
                while (true)
                {
                    Task receiving = receiver.ReceiveAsync(CancellationToken.None).AsTask();
                    FuzzTarget.Require(receiving.IsCompleted, "The receiver waits though the stream has ended.");
                    receiving.GetAwaiter().GetResult();
                    taken += FrameLayout.FrameBytes(receiver.Payload.Length);
                    FuzzTarget.Require(receiver.Payload.Length <= MaxPayloadBytes && taken <= stream.Length, "A frame was taken that wasn't there.");
                }
            }
            catch (LinkException e)
            {
                FuzzTarget.Require(
                    e.Fault is LinkFault.Closed or LinkFault.AuthenticationFailed or LinkFault.Malformed or LinkFault.VersionMismatch or LinkFault.TooLarge,
                    $"A stream ended with {e.Fault}.");
            }
        }
    }

    public static IReadOnlyList<byte[]> Samples()
    {
        using var sealer = new FrameSealer(new OpenCipher(), ConnectionId, FrameSealer.DefaultLimitBytes);
        var stream = new MemoryStream();
        var samples = new List<byte[]>();
        foreach (int length in (int[])[0, 8, 100, 1000])
        {
            byte[] frame = new byte[FrameLayout.FrameBytes(length)];
            sealer.Seal(length == 100 ? FrameType.Bulk : FrameType.Activations, new FrameHeader(1, 2, 3, 0, 1, 1), length, frame);
            stream.Write(frame);
            samples.Add(stream.ToArray());
        }

        return samples;
    }

    private static void Complete(Task task)
    {
        FuzzTarget.Require(task.IsCompleted, "Memory took less than it holds.");
        task.GetAwaiter().GetResult();
    }

    /// <summary>No cipher at all: every seal is whole. So a fuzzer gets past it.</summary>
    private sealed class OpenCipher() : FrameCipher(new byte[12], tagBytes: 16)
    {
        protected override void SealCore(ReadOnlySpan<byte> nonce, ReadOnlySpan<byte> associated, Span<byte> sealedPart) => sealedPart[^TagBytes..].Clear();

        protected override bool TryOpenCore(ReadOnlySpan<byte> nonce, ReadOnlySpan<byte> associated, Span<byte> sealedPart) => true;

        protected override void DisposeKey()
        {
        }
    }
}
