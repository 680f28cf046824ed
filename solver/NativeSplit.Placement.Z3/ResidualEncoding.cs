using NativeSplit.Placement.Certifying;
using NativeSplit.Placement.Z3.Interop;

namespace NativeSplit.Placement.Z3;

/// <summary>States a residual problem as pseudo-Boolean rules: a literal per candidate segment, and per hop between two.</summary>
/// <remarks>
/// Every plan within the goal keeps every rule, so "unsatisfiable" refutes the goal. The converse isn't needed: prices that don't fit 32 bits
/// and a missed SLO's last µs are rounded in the plan's favour, and <see cref="Z3Certifier"/> checks what comes out.
/// </remarks>
internal sealed class ResidualEncoding
{
    private const int MaxPairsPerNode = 30_000;
    private const int MaxExcessBits = 28;

    private readonly Z3Context _z3;
    private readonly Z3Solver _solver;
    private readonly ResidualProblem _problem;
    private readonly Z3Term[] _segments;
    private readonly Dictionary<(int Boundary, int Node), Z3Term> _starts = [];
    private readonly Dictionary<(int Boundary, int Node), Z3Term> _ends = [];
    private readonly WeightedSum _cost = new();
    private readonly WeightedSum _reduced = new();
    private readonly List<(Z3Term Term, long[] Times)> _timed = [];

    public ResidualEncoding(Z3Context z3, Z3Solver solver, ResidualProblem problem)
    {
        (_z3, _solver, _problem) = (z3, solver, problem);
        _segments = [.. problem.Segments.Select(_ => z3.NewBool())];
        AddBorders(_starts, s => (s.Start, s.Node));
        AddBorders(_ends, s => (s.End, s.Node));
        AddCover();
        AddEnds();
        AddHops();
        AddSegments();
        AddNodes();
        AddTimes();
        Require(_cost.AtMost(z3, problem.Goal - problem.BaseCost));
        Require(_reduced.AtMost(z3, problem.ReducedLimit));
    }

    /// <summary>The segments' literals, in the problem's order.</summary>
    public ReadOnlySpan<Z3Term> Segments => _segments;

    /// <summary>Forbids a set of segments together.</summary>
    public void Forbid(IEnumerable<int> segments) => _solver.Assert(_z3.Or([.. segments.Select(s => _z3.Not(_segments[s]))]));

    private void Require(Z3Term? rule)
    {
        if (rule is { } term)
        {
            _solver.Assert(term);
        }
    }

    // A border literal holds when a segment that starts (or ends) there does.
    private void AddBorders(Dictionary<(int, int), Z3Term> borders, Func<CandidateSegment, (int, int)> key)
    {
        foreach (IGrouping<(int, int), int> group in Enumerable.Range(0, _segments.Length).GroupBy(s => key(_problem.Segments[s])))
        {
            Z3Term[] members = [.. group.Select(s => _segments[s])];
            Z3Term border = members.Length == 1 ? members[0] : _z3.NewBool();
            borders.Add(group.Key, border);
            if (members.Length > 1)
            {
                _solver.Assert(_z3.Or([_z3.Not(border), .. members]));
                foreach (Z3Term member in members)
                {
                    _solver.Assert(_z3.Or(_z3.Not(member), border));
                }
            }
        }
    }

    private void AddCover()
    {
        for (int u = 0; u < _problem.Problem.Layers.Count; u++)
        {
            Z3Term[] over = [.. Enumerable.Range(0, _segments.Length).Where(s => _problem.Segments[s].Start <= u && u < _problem.Segments[s].End).Select(s => _segments[s])];
            _solver.Assert(_z3.Or(over));
            if (over.Length > 1)
            {
                _solver.Assert(_z3.CountAtMost(over, 1));
            }
        }
    }

    private void AddEnds()
    {
        foreach (((int boundary, int node), Z3Term start) in _starts)
        {
            if (boundary == 0)
            {
                _cost.Add(start, _problem.StartCost(node));
                _reduced.Add(start, _problem.StartReducedCost(node));
                _timed.Add((start, Each(q => _problem.StartTime(node, q))));
            }
        }

        foreach (((int boundary, int node), Z3Term end) in _ends)
        {
            if (boundary == _problem.Problem.Layers.Count)
            {
                _cost.Add(end, _problem.ReturnCost(node));
                _timed.Add((end, Each(q => _problem.ReturnTime(node, q))));
            }
        }
    }

    private void AddHops()
    {
        foreach (((int boundary, int from), Z3Term end) in _ends)
        {
            if (boundary == _problem.Problem.Layers.Count)
            {
                continue;
            }

            List<Z3Term> next = [_z3.Not(end)];
            for (int to = 0; to < _problem.Problem.Nodes.Count; to++)
            {
                if (!_starts.TryGetValue((boundary, to), out Z3Term start))
                {
                    continue;
                }

                if (!_problem.CanFollow(from, to) || _problem.HopReducedCost(from, to, boundary) > _problem.ReducedLimit)
                {
                    _solver.Assert(_z3.Or(_z3.Not(end), _z3.Not(start)));
                    continue;
                }

                Z3Term hop = _z3.NewBool();
                next.Add(start);
                _solver.Assert(_z3.Or(_z3.Not(end), _z3.Not(start), hop));
                _cost.Add(hop, _problem.HopCost(from, to));
                _reduced.Add(hop, _problem.HopReducedCost(from, to, boundary));
                _timed.Add((hop, Each(q => _problem.HopTime(from, to, q))));
            }

            _solver.Assert(_z3.Or([.. next]));
        }
    }

    private void AddSegments()
    {
        for (int s = 0; s < _segments.Length; s++)
        {
            _cost.Add(_segments[s], _problem.Segments[s].Cost);
            _reduced.Add(_segments[s], _problem.Segments[s].ReducedCost);
            _timed.Add((_segments[s], _problem.Times(_problem.Segments[s])));
        }
    }

    private void AddNodes()
    {
        foreach (IGrouping<int, int> node in Enumerable.Range(0, _segments.Length).GroupBy(s => _problem.Segments[s].Node))
        {
            int[] members = [.. node];
            int most = _problem.MaxSegments(node.Key);
            if (members.Length > most)
            {
                _solver.Assert(_z3.CountAtMost([.. members.Select(s => _segments[s])], most));
            }

            if (most > 1 && (long)members.Length * (members.Length - 1) / 2 <= MaxPairsPerNode)
            {
                AddPairs(members);
            }
        }
    }

    // Two segments on a node: forbidden when they don't fit together, else dearer by their surplus. Surpluses are steps of a staircase.
    private void AddPairs(int[] members)
    {
        List<(int A, int B, long Surplus)> dear = [];
        foreach (int a in members)
        {
            foreach (int b in members.Where(b => _problem.Segments[a].End < _problem.Segments[b].Start))
            {
                long? surplus = _problem.PairSurplus(_problem.Segments[a], _problem.Segments[b]);
                if (surplus is null)
                {
                    Forbid([a, b]);
                }
                else if (surplus > 0)
                {
                    dear.Add((a, b, surplus.Value));
                }
            }
        }

        long[] steps = [.. dear.Select(d => d.Surplus).Distinct().Order()];
        Z3Term[] reached = [.. steps.Select(_ => _z3.NewBool())];
        for (int i = 0; i < steps.Length; i++)
        {
            _cost.Add(reached[i], i == 0 ? steps[0] : steps[i] - steps[i - 1]);
            if (i > 0)
            {
                _solver.Assert(_z3.Or(_z3.Not(reached[i]), reached[i - 1]));
            }
        }

        foreach ((int a, int b, long surplus) in dear)
        {
            _solver.Assert(_z3.Or(_z3.Not(_segments[a]), _z3.Not(_segments[b]), reached[Array.BinarySearch(steps, surplus)]));
        }
    }

    // Σ times ≤ room + excess, where the excess is written in binary and every bit has its price.
    private void AddTimes()
    {
        for (int q = 0; q < _problem.TimeCount; q++)
        {
            int time = q;
            long most = Math.Max(Math.Abs(_problem.TimeRoom(q)), _timed.Count == 0 ? 0 : _timed.Max(t => t.Times[time]));
            long unit = (most >> MaxExcessBits) + 1;
            List<long> prices = [];
            while (prices.Count < MaxExcessBits && _problem.MissPriceAtLeast(q, unit << prices.Count) <= _problem.Goal)
            {
                prices.Add(_problem.MissPriceAtLeast(q, unit << prices.Count));
            }

            // Being late by any amount can be afforded: the rule would forbid nothing.
            if (prices.Count == MaxExcessBits)
            {
                continue;
            }

            WeightedSum sum = new();
            _timed.ForEach(t => sum.Add(t.Term, t.Times[time] / unit));
            for (int bit = 0; bit < prices.Count; bit++)
            {
                Z3Term late = _z3.NewBool();
                _cost.Add(late, prices[bit]);
                sum.Add(_z3.Not(late), 1L << bit);
            }

            long room = (_problem.TimeRoom(q) + (_problem.TimeRoom(q) > 0 ? unit - 1 : 0)) / unit;
            Require(sum.AtMost(_z3, room + (1L << prices.Count) - 1));
        }
    }

    private long[] Each(Func<int, long> time) => [.. Enumerable.Range(0, _problem.TimeCount).Select(time)];
}
