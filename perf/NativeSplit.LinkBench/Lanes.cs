using System.Buffers.Binary;
using System.Net.Sockets;
using System.Runtime.CompilerServices;
using NativeSplit.Transport.Frames;
using NativeSplit.Transport.Links;

namespace NativeSplit.LinkBench;

/// <summary>One way to the peer: sends a message and takes one.</summary>
internal interface ILane
{
    /// <summary>Sends a message of some bytes.</summary>
    ValueTask SendAsync(int bytes);

    /// <summary>Takes a whole message. Returns its bytes; negative when the peer has closed.</summary>
    ValueTask<int> ReceiveAsync();
}

/// <summary>The baseline: a bare async socket, each message behind its length.</summary>
/// <param name="socket">Connected socket; borrowed.</param>
/// <param name="maxBytes">Longest message.</param>
internal sealed class RawLane(Socket socket, int maxBytes) : ILane
{
    private readonly byte[] _out = GC.AllocateArray<byte>(maxBytes + sizeof(int), pinned: true);
    private readonly byte[] _in = GC.AllocateArray<byte>(maxBytes + sizeof(int), pinned: true);

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    public async ValueTask SendAsync(int bytes)
    {
        BinaryPrimitives.WriteInt32LittleEndian(_out, bytes);
        int sent = 0;
        while (sent < bytes + sizeof(int))
        {
            sent += await socket.SendAsync(_out.AsMemory(sent..(bytes + sizeof(int))), SocketFlags.None, CancellationToken.None).ConfigureAwait(false);
        }
    }

    // Each message is answered or acknowledged before the next one that matters, so one message at most lies in the buffer; one that
    // streams is asked for exactly.
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    public async ValueTask<int> ReceiveAsync()
    {
        int have = 0;
        int need = sizeof(int);
        while (have < need)
        {
            int room = Expected == 0 ? _in.Length - have : Expected + sizeof(int) - have;
            int received = await socket.ReceiveAsync(_in.AsMemory(have, room), SocketFlags.None, CancellationToken.None).ConfigureAwait(false);
            if (received == 0)
            {
                return -1;
            }

            have += received;
            if (have >= sizeof(int))
            {
                need = BinaryPrimitives.ReadInt32LittleEndian(_in) + sizeof(int);
            }
        }

        return need - sizeof(int);
    }

    /// <summary>Bytes of the messages to come where several may be on their way; 0 where one is.</summary>
    public int Expected { get; set; }
}

/// <summary>What is measured: a sealed link.</summary>
/// <param name="link">The link; borrowed.</param>
internal sealed class LinkLane(SealedLink link) : ILane
{
    public ValueTask SendAsync(int bytes) => link.SendAsync(FrameType.Activations, default, new Blank(bytes), CancellationToken.None);

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    public async ValueTask<int> ReceiveAsync() =>
        await link.ReceiveAsync(CancellationToken.None).ConfigureAwait(false) == ReceiveStatus.Frame ? link.Payload.Length : -1;

    // The raw lane doesn't fill its messages either: who fills them pays the same on both.
    private readonly struct Blank(int bytes) : IPayloadWriter
    {
        public int Length => bytes;

        public void Write(Span<byte> payload)
        {
        }
    }
}
