using NativeSplit.Model.Files;
using NativeSplit.Placement;
using NativeSplit.Placement.Problems;

namespace NativeSplit.Host.Planning;

/// <summary>Reads a cluster file, and with a model makes a placement problem of it. The form is in <c>docs/placement.md</c>.</summary>
internal static class ClusterFile
{
    private static readonly string[] NodeKeys = ["name", "trusted", "memory", "prefill", "decode", "busy"];
    private static readonly string[] LinkKeys = ["from", "to", "both_ways", "latency", "rate"];
    private static readonly string[] RequestKeys = ["name", "prompt", "output", "rate", "ttft", "tpot", "private"];

    /// <summary>Reads.</summary>
    /// <exception cref="PlanException">The file can't be used; the message names file, line and way out.</exception>
    public static PlacementProblem Read(string file, ModelFile model)
    {
        YamlReader root = YamlReader.Open(file, "gateway", "privacy", "kv_tokens", "row_bytes", "ends", "nodes", "links", "other_links", "requests", "weights");
        NodeId gateway = root.Node("gateway");
        NodeFacts[] nodes = [.. root.List("nodes", NodeKeys).Select(ReadNode)];
        if (nodes.All(n => n.Id != gateway))
        {
            throw root.Fault("gateway", $"the gateway '{gateway}' isn't among the nodes {string.Join(", ", nodes.Select(n => n.Id))}");
        }

        YamlReader? ends = root.Has("ends") ? root.Map("ends", "prefill", "decode") : null;
        return new PlacementProblem
        {
            Layers = ModelFacts.LayersOf(model, root.OneOf("privacy", PrivacyPolicy.Relaxed, ("relaxed", PrivacyPolicy.Relaxed), ("strict", PrivacyPolicy.Strict), ("none", PrivacyPolicy.None))),
            Ends = new EndFacts
            {
                WeightBytes = ModelFacts.EndBytesOf(model),
                PrefillMicroseconds = ends?.Amount("prefill", Units.Microseconds) ?? 0,
                DecodeMicroseconds = ends?.Amount("decode", Units.Microseconds) ?? 0,
            },
            Nodes = nodes,
            Links = Links(root, nodes),
            Requests = [.. root.List("requests", RequestKeys).Select(ReadRequest)],
            Origin = gateway,
            BorderBytesPerRow = root.Whole("row_bytes", 4L * model.Shape.HiddenSize),
            KvReserveTokens = (int)Math.Min(int.MaxValue, root.Whole("kv_tokens", model.Shape.ContextLength)),
            Weights = Weights(root),
        };
    }

    private static NodeFacts ReadNode(YamlReader node) => new()
    {
        Id = node.Node("name"),
        IsTrusted = node.OneOf("trusted", false, ("true", true), ("false", false)),
        FreeMemoryBytes = node.Amount("memory", Units.Bytes),
        PrefillNanosecondsPerRow = node.Amount("prefill", Units.Nanoseconds),
        DecodeNanosecondsPerStep = node.Amount("decode", Units.Nanoseconds),
        BaseLoad = (int)Math.Min(int.MaxValue, node.Amount("busy", Units.Millionths, 0)),
    };

    private static RequestClass ReadRequest(YamlReader request) => new()
    {
        Name = request.Text("name"),
        PromptTokens = (int)Math.Min(int.MaxValue, request.Whole("prompt")),
        OutputTokens = (int)Math.Min(int.MaxValue, request.Whole("output")),
        RequestsPerKilosecond = request.Amount("rate", Units.PerKilosecond),
        TtftSloMicroseconds = request.Amount("ttft", Units.Microseconds),
        TpotSloMicroseconds = request.Amount("tpot", Units.Microseconds),
        IsPrivate = request.OneOf("private", false, ("true", true), ("false", false)),
    };

    private static List<LinkFacts> Links(YamlReader root, NodeFacts[] nodes)
    {
        Dictionary<(NodeId, NodeId), LinkFacts> links = [];
        foreach (YamlReader link in root.Has("links") ? root.List("links", LinkKeys) : [])
        {
            (NodeId from, NodeId to) = (Known(link, "from", nodes), Known(link, "to", nodes));
            Add(link, new LinkFacts(from, to, link.Amount("latency", Units.Microseconds), link.Amount("rate", Units.BytesPerSecond)));
            if (link.OneOf("both_ways", true, ("true", true), ("false", false)))
            {
                Add(link, new LinkFacts(to, from, link.Amount("latency", Units.Microseconds), link.Amount("rate", Units.BytesPerSecond)));
            }
        }

        if (root.Has("other_links"))
        {
            YamlReader others = root.Map("other_links", "latency", "rate");
            foreach ((NodeId from, NodeId to) in from a in nodes from b in nodes where a.Id != b.Id select (a.Id, b.Id))
            {
                links.TryAdd((from, to), new LinkFacts(from, to, others.Amount("latency", Units.Microseconds), others.Amount("rate", Units.BytesPerSecond)));
            }
        }

        return [.. links.Values];

        void Add(YamlReader where, LinkFacts link)
        {
            if (!links.TryAdd((link.From, link.To), link))
            {
                throw where.Fault("from", $"the link {link.From} to {link.To} is given twice");
            }
        }
    }

    private static NodeId Known(YamlReader link, string key, NodeFacts[] nodes)
    {
        NodeId id = link.Node(key);
        return nodes.Any(n => n.Id == id) ? id : throw link.Fault(key, $"'{key}' names '{id}', which isn't among the nodes");
    }

    private static PlacementWeights Weights(YamlReader root)
    {
        PlacementWeights usual = new();
        if (!root.Has("weights"))
        {
            return usual;
        }

        YamlReader weights = root.Map("weights", "latency", "utilization", "privacy", "slo_miss", "migration");
        return new PlacementWeights
        {
            Latency = Of("latency", usual.Latency),
            Utilization = Of("utilization", usual.Utilization),
            Privacy = Of("privacy", usual.Privacy),
            SloMiss = Of("slo_miss", usual.SloMiss),
            Migration = Of("migration", usual.Migration),
        };

        int Of(string key, int otherwise) => (int)Math.Min(int.MaxValue, weights.Amount(key, Units.Thousandths, otherwise));
    }
}
