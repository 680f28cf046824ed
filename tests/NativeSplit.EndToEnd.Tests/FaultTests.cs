using System.Globalization;
using System.Net;
using System.Text.Json.Nodes;
using NativeSplit.Host.Demo;

namespace NativeSplit.EndToEnd.Tests;

/// <summary>
/// Random faults while four streams run over real processes: kills, stops, cut and slow lines, changes of plan. No request is lost, no token
/// differs, no KV page leaks. <c>NATIVESPLIT_FAULTS</c> sets the number of faults, <c>NATIVESPLIT_FAULT_SEED</c> repeats a run.
/// </summary>
public sealed class FaultTests
{
    private const int Streams = 4;
    private const int KvTokens = 512;
    private static readonly string[] Workers = ["worker-1", "worker-2", "worker-3"];

    // Whatever two workers are left can hold the layers that the gateway gives away.
    private static readonly string[] Plans =
    [
        """{"epoch": 1, "segments": [{"layers": [0, 1], "node": "gateway"}, {"layers": [1, 4], "node": "worker-1"}, {"layers": [4, 8], "node": "worker-2"}]}""",
        """{"epoch": 1, "segments": [{"layers": [0, 2], "node": "worker-3"}, {"layers": [2, 6], "node": "worker-1"}, {"layers": [6, 8], "node": "gateway"}]}""",
        """{"epoch": 1, "segments": [{"layers": [0, 5], "node": "worker-2"}, {"layers": [5, 8], "node": "worker-3"}]}""",
        """{"epoch": 1, "segments": [{"layers": [0, 3], "node": "gateway"}, {"layers": [3, 8], "node": "worker-1"}]}""",
        """{"epoch": 1, "segments": [{"layers": [0, 3], "node": "gateway"}, {"layers": [3, 8], "node": "worker-2"}]}""",
        """{"epoch": 1, "segments": [{"layers": [0, 3], "node": "gateway"}, {"layers": [3, 8], "node": "worker-3"}]}""",
    ];

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task NothingIsLost_WhateverBreaks()
    {
        int faults = Number("NATIVESPLIT_FAULTS", 30);
        int seed = Number("NATIVESPLIT_FAULT_SEED", Random.Shared.Next());
        TestContext.Current.TestOutputHelper?.WriteLine($"{faults} faults, NATIVESPLIT_FAULT_SEED={seed}");
        await using ServingCluster cluster = await ServingCluster.StartRelayedAsync(
            Plans, Workers, ["--kv-tokens", KvTokens.ToString(CultureInfo.InvariantCulture), "--recovery-wait", "120", "--admission-wait", "120"]);
        string expected = await LivePlanTests.TextAsync(cluster, null, Request);
        using var stop = new CancellationTokenSource();
        int answers = 0;
        Task[] streams = [.. Enumerable.Range(0, Streams).Select(_ => Task.Run(async () =>
        {
            while (!stop.IsCancellationRequested)
            {
                Assert.Equal(expected, await LivePlanTests.TextAsync(cluster, null, Request));
                Interlocked.Increment(ref answers);
            }
        }))];
        Task breaking = BreakAsync(cluster, new Random(seed), faults);
        await await Task.WhenAny([breaking, .. streams]);
        await stop.CancelAsync();
        await Task.WhenAll(streams);

        Assert.True(answers >= Streams, $"{answers} answers");
        TestContext.Current.TestOutputHelper?.WriteLine($"{answers} answers over {Streams} streams");

        // Every stage has all its room again: one request that takes the whole of it is served.
        using HttpResponseMessage whole = await cluster.AskAsync(new JsonObject { ["max_tokens"] = KvTokens - 64, ["ignore_eos"] = true });
        Assert.Equal(HttpStatusCode.OK, whole.StatusCode);
    }

    private static readonly JsonObject Request = new() { ["max_tokens"] = 90, ["ignore_eos"] = true };

    private static async Task BreakAsync(ServingCluster cluster, Random random, int faults)
    {
        for (int fault = 0; fault < faults; fault++)
        {
            string worker = Workers[random.Next(Workers.Length)];
            LinkRelay line = cluster.Relays[worker];
            TimeSpan moment = TimeSpan.FromMilliseconds(random.Next(20, 500));
            switch (random.Next(5))
            {
                case 0:
                    await cluster.Workers[worker].KillAsync();
                    await Task.Delay(moment, Cancel);
                    cluster.StartWorker(worker);
                    break;
                case 1:
                    await cluster.Workers[worker].SignalAsync("STOP");
                    await Task.Delay(moment * 4, Cancel);
                    await cluster.Workers[worker].SignalAsync("CONT");
                    break;
                case 2:
                    line.Cut();
                    break;
                case 3:
                    line.Delay = TimeSpan.FromMilliseconds(random.Next(5, 60));
                    await Task.Delay(moment * 2, Cancel);
                    line.Delay = TimeSpan.Zero;
                    break;
                default:
                    await cluster.WritePlansAsync([.. Plans.OrderBy(_ => random.Next())]);
                    await cluster.Gateway.SignalAsync("HUP");
                    break;
            }

            await Task.Delay(moment, Cancel);
        }
    }

    private static int Number(string variable, int otherwise) =>
        int.TryParse(Environment.GetEnvironmentVariable(variable), CultureInfo.InvariantCulture, out int value) ? value : otherwise;
}
