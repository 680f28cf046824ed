using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using NativeSplit.Transport.Links;
using NativeSplit.Transport.Sealing;

namespace NativeSplit.LinkBench;

/// <summary>
/// What sealing costs: hops between two processes over loopback, a bare async socket and sealed links in turn, in one run. A hop is half
/// a round trip. The ratio of a repetition is that of medians taken side by side; the median of the repetitions is printed.
/// </summary>
internal static class Program
{
    /// <summary>Longest message.</summary>
    public const int MaxBytes = 1 << 20;

    /// <summary>Most messages of one stream.</summary>
    public const int MaxStream = 1000;

    private static readonly int[] Sizes = [4 << 10, 16 << 10, MaxBytes];

    private static async Task<int> Main(string[] args)
    {
        var repetitions = new Option<int>("--repetitions") { Description = "Repetitions; the median counts.", DefaultValueFactory = _ => 9 };
        var rounds = new Option<int>("--rounds") { Description = "Round trips of 4 KiB per lane and repetition; fewer of longer messages.", DefaultValueFactory = _ => 2000 };
        var peer = new Option<bool>("--peer") { Description = "Be the other process.", Hidden = true };
        var root = new RootCommand("Hops over a sealed link against hops over a bare socket.") { repetitions, rounds, peer };
        root.SetAction((parsed, _) => parsed.GetValue(peer) ? Peer.RunAsync() : MeasureAsync(parsed.GetValue(repetitions), parsed.GetValue(rounds)));
        return await root.Parse(args).InvokeAsync().ConfigureAwait(false);
    }

    private static async Task MeasureAsync(int repetitions, int rounds)
    {
        (LinkCredentials self, string[] lines) = BenchIdentity.Make();
        using Process process = StartPeer(lines, out int rawPort, out int linkPort, out CipherSuites suites);
        try
        {
            using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
            await socket.ConnectAsync(IPAddress.Loopback, rawPort).ConfigureAwait(false);
            var lanes = new List<(string Name, ILane Lane)> { ("raw socket", new RawLane(socket, MaxBytes)) };
            foreach (CipherSuites suite in Enum.GetValues<CipherSuites>().Where(suite => (suite & suites & new LinkOptions().Suites) != 0))
            {
                SealedLink link = await LinkConnector.ConnectAsync(
                    new IPEndPoint(IPAddress.Loopback, linkPort), BenchIdentity.PeerUri, self, new LinkOptions { Suites = suite }, CancellationToken.None).ConfigureAwait(false);
                lanes.Add((link.Suite.ToString(), new LinkLane(link)));
            }

            Console.WriteLine($"{repetitions} repetitions, medians; hop = half a round trip; {Environment.ProcessorCount} processors, .NET {Environment.Version}");
            Console.WriteLine();
            Console.WriteLine("| message | lane | p50 µs | p99 µs | p50 / raw | one way GB/s | GB/s / raw |");
            Console.WriteLine("|---|---|---|---|---|---|---|");
            foreach (int size in Sizes)
            {
                await MeasureSizeAsync(lanes, size, repetitions, Math.Max(50, size <= 16 << 10 ? rounds : rounds / 10)).ConfigureAwait(false);
            }
        }
        finally
        {
            process.StandardInput.Close();
            if (!process.WaitForExit(5000))
            {
                process.Kill();
            }
        }
    }

    private static async Task MeasureSizeAsync(List<(string Name, ILane Lane)> lanes, int size, int repetitions, int rounds)
    {
        var results = lanes.Select(_ => new List<Sample>()).ToList();
        for (int repetition = -1; repetition < repetitions; repetition++)
        {
            for (int i = 0; i < lanes.Count; i++)
            {
                Sample sample = await Sample.TakeAsync(lanes[i].Lane, size, rounds).ConfigureAwait(false);

                // The first one warms up: buffers grow, the compiler tiers up.
                if (repetition >= 0)
                {
                    results[i].Add(sample);
                }
            }
        }

        for (int i = 0; i < lanes.Count; i++)
        {
            double Median(Func<Sample, Sample, double> value) =>
                Sample.Median([.. results[i].Zip(results[0], value)]);
            Console.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"| {size >> 10} KiB | {lanes[i].Name} | {Median((s, _) => s.P50):0.0} | {Median((s, _) => s.P99):0.0} | {Median((s, raw) => s.P50 / raw.P50):0.00} | {Median((s, _) => s.BytesPerSecond) / 1e9:0.00} | {Median((s, raw) => s.BytesPerSecond / raw.BytesPerSecond):0.00} |"));
        }
    }

    private static Process StartPeer(string[] lines, out int rawPort, out int linkPort, out CipherSuites suites)
    {
        var start = new ProcessStartInfo(Environment.ProcessPath!) { RedirectStandardInput = true, RedirectStandardOutput = true };
        if (Path.GetFileNameWithoutExtension(start.FileName) == "dotnet")
        {
            start.ArgumentList.Add(typeof(Program).Assembly.Location);
        }

        start.ArgumentList.Add("--peer");
        Process process = Process.Start(start)!;
        foreach (string line in lines)
        {
            process.StandardInput.WriteLine(line);
        }

        string[] ports = (process.StandardOutput.ReadLine() ?? throw new EndOfStreamException("The peer ended before it listened.")).Split(' ', 3);
        rawPort = int.Parse(ports[0], CultureInfo.InvariantCulture);
        linkPort = int.Parse(ports[1], CultureInfo.InvariantCulture);
        suites = Enum.Parse<CipherSuites>(ports[2]);
        return process;
    }
}
