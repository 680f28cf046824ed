using NativeSplit.Placement.Costs;
using NativeSplit.Placement.Problems;

namespace NativeSplit.Placement;

/// <summary>TTFT and TPOT of each class under a plan, and what they cost; finds hops that don't exist and steps that are hopelessly slow.</summary>
internal sealed class CheckedTimes
{
    private readonly PlacementProblem _problem;
    private readonly List<string> _faults;
    private readonly long _allRates;

    public CheckedTimes(PlacementProblem problem, Plan plan, List<string> faults)
    {
        _problem = problem;
        _faults = faults;
        _allRates = problem.Requests.Sum(r => r.RequestsPerKilosecond);
        foreach (RequestClass request in problem.Requests)
        {
            AddClass(plan, request);
        }
    }

    /// <summary>α·L in 1e-5.</summary>
    public long Latency { get; private set; }

    /// <summary>Price of missed SLOs in 1e-5.</summary>
    public long SloMiss { get; private set; }

    /// <summary>Time of a layer on a node per prompt and per step, in µs.</summary>
    public static (Int128 Prefill, Int128 Decode) OfLayer(NodeFacts node, LayerFacts layer, RequestClass request) =>
        (CeilDiv((Int128)node.PrefillNanosecondsPerRow * request.PromptTokens * layer.PrefillWork, 1_000_000),
            CeilDiv((Int128)node.DecodeNanosecondsPerStep * layer.DecodeWork, 1_000_000));

    private static Int128 CeilDiv(Int128 a, Int128 b) => (a + b - 1) / b;

    private void AddClass(Plan plan, RequestClass request)
    {
        Int128 first = 0, next = 0;
        Step(request, "embedding and head", _problem.Ends.PrefillMicroseconds, _problem.Ends.DecodeMicroseconds, ref first, ref next);
        NodeId at = _problem.Origin;
        foreach (PlanSegment segment in plan.Segments)
        {
            Hop(request, at, segment.Node, request.PromptTokens, ref first, ref next);
            at = segment.Node;
            NodeFacts node = _problem.Nodes.First(n => n.Id == at);
            for (int u = segment.Layers.Start; u < segment.Layers.End; u++)
            {
                (Int128 prefill, Int128 decode) = OfLayer(node, _problem.Layers[u], request);
                Step(request, $"layer {u} on {at}", prefill, decode, ref first, ref next);
            }
        }

        Hop(request, at, _problem.Origin, 1, ref first, ref next);
        SloMiss += Miss(request, first, request.TtftSloMicroseconds) + Miss(request, next, request.TpotSloMicroseconds);
    }

    private void Hop(RequestClass request, NodeId from, NodeId to, int rows, ref Int128 first, ref Int128 next)
    {
        if (from == to)
        {
            return;
        }

        LinkFacts? link = _problem.Links.FirstOrDefault(l => l.From == from && l.To == to);
        if (link is null)
        {
            _faults.Add($"There is no link {from} to {to}.");
            return;
        }

        Int128 Time(Int128 count) => link.LatencyMicroseconds + CeilDiv(_problem.BorderBytesPerRow * count * 1_000_000, link.BytesPerSecond);
        Step(request, $"the hop {from} to {to}", Time(rows), Time(1), ref first, ref next);
    }

    private void Step(RequestClass request, string what, Int128 prefill, Int128 decode, ref Int128 first, ref Int128 next)
    {
        if (prefill > (Int128)CostModel.UsableSloMultiple * request.TtftSloMicroseconds || decode > (Int128)CostModel.UsableSloMultiple * request.TpotSloMicroseconds)
        {
            _faults.Add($"For '{request.Name}', {what} alone takes more than {CostModel.UsableSloMultiple} times an SLO.");
            return;
        }

        first += prefill;
        next += decode;
        Latency += Rational.Nearest(Share(request, _problem.Weights.Latency) * prefill, (Int128)2000 * _allRates * request.TtftSloMicroseconds)
            + Rational.Nearest(Share(request, _problem.Weights.Latency) * decode, (Int128)2000 * _allRates * request.TpotSloMicroseconds);
    }

    private static Int128 Share(RequestClass request, int weight) => (Int128)100_000 * weight * request.RequestsPerKilosecond;

    private long Miss(RequestClass request, Int128 time, long objective) =>
        time <= objective ? 0 : Rational.Ceiling(Share(request, _problem.Weights.SloMiss) * (time - objective), (Int128)1000 * _allRates * objective);
}
