using System.Buffers;
using System.IO.Pipelines;
using System.Net;
using System.Net.Sockets;
using NativeSplit.Transport.Pipes;

namespace NativeSplit.Transport.Tests;

/// <summary>The pipe ends keep the contract of <see cref="PipeReader"/> and <see cref="PipeWriter"/>.</summary>
public sealed class ConnectionPipeTests : IAsyncLifetime
{
    private const int Timeout = 60_000;

    private Socket _near = null!;
    private Socket _far = null!;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        _near = new Socket(SocketType.Stream, ProtocolType.Tcp);
        await _near.ConnectAsync(listener.LocalEndpoint, Token);
        _far = await listener.AcceptSocketAsync(Token);
    }

    public ValueTask DisposeAsync()
    {
        _near.Dispose();
        _far.Dispose();
        return ValueTask.CompletedTask;
    }

    [Fact(Timeout = Timeout)]
    public async Task Reader_ReturnsAllBytesInOnePiece_WhenTheyOutgrowTheBuffer()
    {
        byte[] bytes = LinkSuite.Pattern(1_000_000, seed: 8);
        var writer = new ConnectionPipeWriter(new SocketConnection(_near), ceilingBytes: 2_000_000);
        var reader = new ConnectionPipeReader(new SocketConnection(_far), ceilingBytes: 1_000_000);
        bytes.CopyTo(writer.GetSpan(bytes.Length));
        writer.Advance(bytes.Length);
        Assert.Equal(bytes.Length, writer.UnflushedBytes);
        Task<FlushResult> flushing = writer.FlushAsync(Token).AsTask();

        ReadResult read = await reader.ReadAtLeastAsync(1_000_000, Token);
        await flushing;

        Assert.True(read.Buffer.IsSingleSegment);
        Assert.True(read.Buffer.FirstSpan.SequenceEqual(bytes));
        Assert.Equal(0, writer.UnflushedBytes);
    }

    [Fact(Timeout = Timeout)]
    public async Task Reader_RefusesToGrow_WhenMoreThanTheCeilingIsAskedFor()
    {
        var reader = new ConnectionPipeReader(new SocketConnection(_far), ceilingBytes: 100_000);
        await _near.SendAsync(new byte[10], SocketFlags.None, Token);
        await Assert.ThrowsAsync<ArgumentOutOfRangeException>(async () => await reader.ReadAtLeastAsync(100_001, Token));
        var writer = new ConnectionPipeWriter(new SocketConnection(_near), ceilingBytes: 100_000);
        Assert.Throws<ArgumentOutOfRangeException>(() => writer.GetMemory(100_001));
    }

    [Fact(Timeout = Timeout)]
    public async Task ReadAsync_WaitsForMore_WhenEverythingWasExamined()
    {
        var reader = new ConnectionPipeReader(new SocketConnection(_far), ceilingBytes: 1000);
        await _near.SendAsync(new byte[] { 1, 2, 3 }, SocketFlags.None, Token);
        ReadResult first = await reader.ReadAtLeastAsync(3, Token);
        reader.AdvanceTo(first.Buffer.GetPosition(1), first.Buffer.End);
        Assert.False(reader.TryRead(out _));

        Task<ReadResult> waiting = reader.ReadAsync(Token).AsTask();
        await _near.SendAsync(new byte[] { 4 }, SocketFlags.None, Token);
        ReadResult second = await waiting;
        Assert.Equal([2, 3, 4], second.Buffer.ToArray());

        reader.AdvanceTo(second.Buffer.GetPosition(1));
        Assert.True(reader.TryRead(out ReadResult third));
        Assert.Equal([3, 4], third.Buffer.ToArray());
        reader.AdvanceTo(third.Buffer.End);
        _near.Shutdown(SocketShutdown.Send);
        ReadResult last = await reader.ReadAsync(Token);
        Assert.True(last.IsCompleted);
        Assert.True(last.Buffer.IsEmpty);
    }

    [Fact(Timeout = Timeout)]
    public async Task Reader_KeepsBytesInOrder_WhenTheyWrapAroundManyTimes()
    {
        byte[] bytes = LinkSuite.Pattern(3_000_000, seed: 5);
        Task sending = SendInPiecesAsync(_near, bytes);
        var reader = new ConnectionPipeReader(new SocketConnection(_far), ceilingBytes: 90_000);
        int checkedBytes = 0;
        var random = new Random(3);
        while (checkedBytes < bytes.Length)
        {
            int want = Math.Min(random.Next(1, 90_000), bytes.Length - checkedBytes);
            ReadResult read = await reader.ReadAtLeastAsync(want, Token);
            Assert.True(read.Buffer.IsSingleSegment && read.Buffer.Length >= want);
            Assert.True(read.Buffer.FirstSpan[..want].SequenceEqual(bytes.AsSpan(checkedBytes, want)));
            reader.AdvanceTo(read.Buffer.GetPosition(want));
            checkedBytes += want;
        }

        await sending;
    }

    private static async Task SendInPiecesAsync(Socket socket, byte[] bytes)
    {
        for (int sent = 0; sent < bytes.Length;)
        {
            sent += await socket.SendAsync(bytes.AsMemory(sent, Math.Min(70_001, bytes.Length - sent)), SocketFlags.None, Token);
        }
    }

    [Fact]
    public void Ends_RefuseUse_WhenCompletedOrMisused()
    {
        var writer = new ConnectionPipeWriter(new SocketConnection(_near), ceilingBytes: 1000);
        var reader = new ConnectionPipeReader(new SocketConnection(_far), ceilingBytes: 1000);
        Assert.Throws<ArgumentOutOfRangeException>(() => writer.Advance(-1));
        Assert.Throws<ArgumentOutOfRangeException>(() => writer.Advance(1 << 20));
        Assert.Throws<NotSupportedException>(writer.CancelPendingFlush);
        Assert.Throws<NotSupportedException>(reader.CancelPendingRead);
        writer.Complete();
        reader.Complete();
        Assert.Throws<ObjectDisposedException>(() => writer.GetMemory());
        Assert.Throws<ObjectDisposedException>(() => reader.TryRead(out _));
    }
}
