using NativeSplit.Cluster.Migration;
using NativeSplit.Cluster.Tests.Stages;
using NativeSplit.Engine;
using NativeSplit.Kernels;
using NativeSplit.Model;
using NativeSplit.Transport.Frames;

namespace NativeSplit.Cluster.Tests.Migration;

/// <summary>Frames with KV pages: the bytes that docs/wire.md gives, and nothing else.</summary>
public sealed class KvPayloadTests
{
    private static readonly KvTarget Target = new(7, 3, new SequenceId(99), KeyValueType.Q8_0);

    [Fact]
    public void TryRead_ReadsTheBytesOfTheDocument()
    {
        FrameHeader piece = KvPayload.PieceHeader(Target, layer: 5, page: 2);
        Assert.Equal(new FrameHeader(7, 99, 3, 2, 5, 2), piece);
        Assert.Equal(Target, KvPayload.TargetOf(piece));
        Assert.True(KvPayload.TryRead(piece, [0, 0, 0, 0, 4, 1, 0, 0, 0xAB], out bool isEnd, out int offset));
        Assert.Equal((false, 260), (isEnd, offset));

        FrameHeader end = KvPayload.EndHeader(Target, new LayerRange(4, 6));
        Assert.Equal(new FrameHeader(7, 99, 3, 2, 4, 6), end);
        Assert.True(KvPayload.TryRead(end, [1, 0, 0, 0, 40, 0, 0, 0], out isEnd, out int length));
        Assert.Equal((true, 40), (isEnd, length));
    }

    [Theory]
    [InlineData("")]
    [InlineData("00000000 000000")]
    [InlineData("00000000 00000000")]
    [InlineData("01000000 00000000 00")]
    [InlineData("02000000 00000000 00")]
    [InlineData("00000000 00000080 01")]
    [InlineData("01000000 FFFFFFFF")]
    public void TryRead_RefusesOtherBytes(string payload) =>
        Assert.False(KvPayload.TryRead(KvPayload.PieceHeader(Target, 5, 2), Convert.FromHexString(payload.Replace(" ", string.Empty, StringComparison.Ordinal)), out _, out _));

    [Fact]
    public void TryRead_RefusesHeadersThatNoPageHas()
    {
        byte[] good = [0, 0, 0, 0, 0, 0, 0, 0, 1];
        Assert.False(KvPayload.TryRead(new FrameHeader(7, 99, 3, 9, 5, 2), good, out _, out _));
        Assert.False(KvPayload.TryRead(new FrameHeader(7, 99, 3, 2, uint.MaxValue, 2), good, out _, out _));
        Assert.False(KvPayload.TryRead(new FrameHeader(7, 99, 3, 2, 5, uint.MaxValue), good, out _, out _));
    }

    [Fact]
    public async Task Inbox_RefusesPages_WhoseBackendTakesNone_AndFramesThatCannotBe()
    {
        using var executor = new AddOneExecutor(AddOneExecutor.SmallShape, new LayerRange(2, 4), 64);
        var inbox = new KvInbox(new LayerRange(2, 4), work => { work(executor); return Task.CompletedTask; }, (_, _, _) => ValueTask.CompletedTask);
        ClusterException e = await Assert.ThrowsAsync<ClusterException>(async () => await inbox.AcceptAsync(KvPayload.PieceHeader(Target, 2, 0), new byte[9]));
        Assert.Equal(ClusterFault.Unsupported, e.Fault);
        e = await Assert.ThrowsAsync<ClusterException>(async () => await inbox.AcceptAsync(KvPayload.PieceHeader(Target, 2, 0), new byte[3]));
        Assert.Equal(ClusterFault.Protocol, e.Fault);
        e = await Assert.ThrowsAsync<ClusterException>(async () => await inbox.AcceptAsync(new FrameHeader(7, 99, 3, 0, 4, 4), new byte[] { 1, 0, 0, 0, 4, 0, 0, 0 }));
        Assert.Equal(ClusterFault.Protocol, e.Fault);
    }
}
