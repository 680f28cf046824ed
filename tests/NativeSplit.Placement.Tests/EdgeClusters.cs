using NativeSplit.Placement.Problems;

namespace NativeSplit.Placement.Tests;

/// <summary>Clusters as they occur: sites of unlike edge devices around a gateway, a cloud node far away, a 4-bit model of a given depth.</summary>
internal static class EdgeClusters
{
    private static readonly (double TeraFlops, double GigabytesPerSecond, double Gigabytes)[] Devices =
        [(1, 40, 4), (3, 80, 8), (8, 100, 10), (20, 200, 24), (25, 360, 11), (60, 300, 20), (120, 1000, 22)];

    /// <param name="layers">Layers; sets the shape of the model too.</param>
    /// <param name="nodes">Nodes, gateway and cloud among them; from 2.</param>
    /// <param name="seed">Same seed, same cluster.</param>
    /// <param name="roomPercent">Memory of all nodes against what the model needs, in percent.</param>
    public static PlacementProblem Make(int layers, int nodes, int seed, int roomPercent)
    {
        Random random = new((seed * 7919) + (layers * 131) + nodes);
        (double hidden, double inner, double kv) = layers switch { <= 24 => (896, 4864, 128), <= 32 => (4096, 14336, 1024), <= 80 => (8192, 28672, 1024), _ => (16384, 53248, 1024) };
        double weights = (hidden * ((2 * hidden) + (2 * kv))) + (3 * hidden * inner), bytes = weights * 0.5625;
        IReadOnlyList<int> shares = Sensitivity.Decaying(layers);
        LayerFacts[] chain = [.. Enumerable.Range(0, layers).Select(u => new LayerFacts
        {
            WeightBytes = (long)bytes,
            KvBytesPerToken = (long)(4 * kv),
            IsPrivacyCritical = u < 2,
            Sensitivity = shares[u],
        })];
        const int reserve = 8192;
        double need = layers * (bytes + (4 * kv * reserve));
        int[] site = [.. Enumerable.Range(0, nodes).Select(n => n == 0 ? 0 : n == nodes - 1 ? -1 : random.Next(Math.Max(1, (nodes + 2) / 4)))];
        var device = site.Select((s, n) => s < 0 ? (TeraFlops: 250.0, GigabytesPerSecond: 1900.0, Gigabytes: 60.0) : Devices[n == 0 ? random.Next(1, 4) : random.Next(layers > 32 ? 2 : 0, Devices.Length)]).ToArray();
        double[] room = [.. device.Select(d => d.Gigabytes * (0.6 + (0.4 * random.NextDouble())))];
        room[^1] = Math.Min(room[^1], 0.45 * room.Sum());
        double scale = need * roomPercent / 100 / room.Sum();
        NodeFacts[] facts = [.. Enumerable.Range(0, nodes).Select(n => new NodeFacts
        {
            Id = new NodeId(n == 0 ? "gateway" : n == nodes - 1 ? "cloud" : $"edge-{n}"),
            IsTrusted = n == 0 || (site[n] >= 0 && (site[n] == 0 || random.Next(10) < 3)),
            FreeMemoryBytes = (long)Math.Max(room[n] * scale, n == 0 ? 3.1 * need / layers : 0),
            PrefillNanosecondsPerRow = (long)(2 * weights / (device[n].TeraFlops * 400)) + 1,
            DecodeNanosecondsPerStep = (long)(bytes / (device[n].GigabytesPerSecond * 0.6)) + 30_000,
            BaseLoad = random.Next(20_000, 400_000),
        })];
        long prefill = (long)facts.Average(n => n.PrefillNanosecondsPerRow) * layers / 1000, decode = (long)facts.Average(n => n.DecodeNanosecondsPerStep) * layers / 1000;
        return new PlacementProblem
        {
            Layers = chain,
            Ends = new EndFacts { WeightBytes = 0, PrefillMicroseconds = decode / layers, DecodeMicroseconds = decode / layers },
            Nodes = facts,
            Links = [.. from a in Enumerable.Range(0, nodes) from b in Enumerable.Range(0, nodes) where a != b select Link(random, facts, site, a, b)],
            Requests =
            [
                Class("chat", 256, 128, 800_000 / Math.Max(1, (prefill * 256 / 1000) + (decode * 128 / 1000))),
                Class("document", 1536, 192, 200_000 / Math.Max(1, (prefill * 1536 / 1000) + (decode * 192 / 1000))),
            ],
            Origin = facts[0].Id,
            BorderBytesPerRow = (long)hidden * 2,
            KvReserveTokens = reserve,
        };

        RequestClass Class(string name, int prompt, int output, long rate) => new()
        {
            Name = name,
            PromptTokens = prompt,
            OutputTokens = output,
            RequestsPerKilosecond = Math.Max(1, rate / 2),
            TtftSloMicroseconds = (2 * prefill * prompt) + 200_000,
            TpotSloMicroseconds = (2 * decode) + 30_000,
        };
    }

    private static LinkFacts Link(Random random, NodeFacts[] facts, int[] site, int a, int b)
    {
        bool isFar = site[a] < 0 || site[b] < 0, isLocal = site[a] == site[b];
        long latency = isFar ? random.Next(12_000, 32_000) : isLocal ? random.Next(300, 4000) : random.Next(3000, 12_000);
        long megabits = isFar ? random.Next(60, 500) : isLocal ? random.Next(300, 2500) : random.Next(200, 1000);
        return new LinkFacts(facts[a].Id, facts[b].Id, latency, megabits * 125_000);
    }
}
