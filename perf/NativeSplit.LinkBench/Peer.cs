using System.Net;
using System.Net.Sockets;
using NativeSplit.Transport.Links;
using NativeSplit.Transport.Sealing;

namespace NativeSplit.LinkBench;

/// <summary>The other process: echoes every message on every lane, and counts the messages of a stream.</summary>
internal static class Peer
{
    /// <summary>
    /// Bytes of an acknowledgement. A message of k bytes more announces k messages as long as the last echoed one: they are counted,
    /// not echoed. The announcement is acknowledged, and so is the last of them.
    /// </summary>
    public const int MarkBytes = 4;

    /// <summary>Serves until standard input ends.</summary>
    public static async Task RunAsync()
    {
        string[] lines = [.. Enumerable.Range(0, 3).Select(_ => Console.ReadLine() ?? throw new EndOfStreamException("No credentials on standard input."))];
        LinkCredentials credentials = BenchIdentity.Read(lines);
        using var raw = new TcpListener(IPAddress.Loopback, 0);
        raw.Start();
        await using LinkListener listener = LinkListener.Start(new IPEndPoint(IPAddress.Loopback, 0), credentials, new LinkOptions());
        Console.WriteLine($"{((IPEndPoint)raw.LocalEndpoint).Port} {listener.LocalEndPoint.Port} {SuitesHere()}");
        Task rawLoop = ServeRawAsync(raw);
        Task linkLoop = ServeLinksAsync(listener);
        await Task.WhenAny(Task.Run(Console.In.ReadToEnd), rawLoop, linkLoop).ConfigureAwait(false);
    }

    private static CipherSuites SuitesHere() => new LinkOptions().Suites;

    private static async Task ServeRawAsync(TcpListener listener)
    {
        while (true)
        {
            Socket socket = await listener.AcceptSocketAsync().ConfigureAwait(false);
            socket.NoDelay = true;
            var lane = new RawLane(socket, Program.MaxBytes);
            _ = Task.Run(() => EchoAsync(lane, expected => lane.Expected = expected));
        }
    }

    private static async Task ServeLinksAsync(LinkListener listener)
    {
        while (true)
        {
            SealedLink link = await listener.AcceptAsync(CancellationToken.None).ConfigureAwait(false);
            _ = Task.Run(() => EchoAsync(new LinkLane(link), _ => { }));
        }
    }

    private static async Task EchoAsync(ILane lane, Action<int> expect)
    {
        int last = 0;
        while (true)
        {
            int bytes = await lane.ReceiveAsync().ConfigureAwait(false);
            if (bytes < 0)
            {
                return;
            }

            if (bytes is > MarkBytes and < MarkBytes + Program.MaxStream)
            {
                expect(last);
                await lane.SendAsync(MarkBytes).ConfigureAwait(false);
                for (int left = bytes - MarkBytes; left > 0; left--)
                {
                    await lane.ReceiveAsync().ConfigureAwait(false);
                }

                expect(0);
                await lane.SendAsync(MarkBytes).ConfigureAwait(false);
            }
            else
            {
                last = bytes;
                await lane.SendAsync(bytes).ConfigureAwait(false);
            }
        }
    }
}
