using NativeSplit.Placement.Costs;
using NativeSplit.Placement.Problems;

namespace NativeSplit.Placement.Certifying;

/// <summary>The hard limits of a problem as linear rules over how much of each class of like layers runs on each node: Σ weight · amount ≤ most.</summary>
/// <remarks>
/// Order, borders, links and the number of segments per node are left out, and amounts may be fractions. So limits that contradict each other
/// here do so for every plan; limits that don't may still have no plan.
/// </remarks>
public sealed class LimitTable
{
    private readonly PlacementProblem _problem;
    private readonly CostModel _open;
    private readonly List<int[]> _classes = [];
    private readonly List<Limit> _limits = [];

    private LimitTable(PlacementProblem problem)
    {
        _problem = problem;
        _open = new CostModel(problem with
        {
            Layers = [.. problem.Layers.Select(l => l with { IsPrivacyCritical = false })],
            Requests = [.. problem.Requests.Select(r => r with { IsPrivate = false })],
            Nodes = [.. problem.Nodes.Select(n => n with { AcceptsLayers = true })],
            Migration = null,
        });
        var moves = problem.Migration is null ? null : new MigrationPrices(problem);
        _classes.AddRange(Enumerable.Range(0, problem.Layers.Count).GroupBy(u => Key(u, moves)).Select(g => g.ToArray()));
        AddBans(LimitKind.Privacy, "privacy", (u, n) => problem.NeedsTrust(u) && !problem.Nodes[n].IsTrusted);
        AddBans(LimitKind.Speed, "usable times", (u, n) => !_open.Layers.IsAllowed(n, u));
        AddBans(LimitKind.Newcomers, "nodes that take no new layer", (u, n) => !problem.Nodes[n].AcceptsLayers && problem.HolderOf(u) != problem.Nodes[n].Id);
        AddBans(LimitKind.Moves, "ways from the plan in force", (u, n) => moves is not null && moves.Price(n, u) is null);
        for (int n = 0; n < problem.Nodes.Count; n++)
        {
            int node = n;
            // A node that is too busy already may stay so without layers; the origin runs embedding and head in any case.
            long least = n == _open.Origin ? long.MinValue : 0;
            AddSum(LimitKind.Memory, $"memory of {problem.Nodes[n].Id}", n, _open.Layers.MemoryLimit[n], u => _open.Layers.Memory[u]);
            AddSum(LimitKind.Load, $"utilisation of {problem.Nodes[n].Id}", n, Math.Max(least, _open.Layers.LoadLimit[n]), u => _open.Layers.Load(node, u));
        }
    }

    private enum LimitKind
    {
        Privacy,
        Speed,
        Newcomers,
        Moves,
        Memory,
        Load,
    }

    /// <summary>Name of each limit, as "memory of edge-1".</summary>
    public IReadOnlyList<string> Names => [.. _limits.Select(l => l.Name)];

    /// <summary>Number of classes of like layers.</summary>
    public int ClassCount => _classes.Count;

    /// <summary>Number of nodes.</summary>
    public int NodeCount => _problem.Nodes.Count;

    /// <summary>Reads a problem.</summary>
    /// <exception cref="PlanException"><see cref="PlanFault.ProblemInvalid"/>.</exception>
    public static LimitTable Of(PlacementProblem problem) => new(problem);

    /// <summary>Layers of a class.</summary>
    public int CountOf(int @class) => _classes[@class].Length;

    /// <summary>Weights of a limit, from 0; what isn't named has weight 0.</summary>
    public IEnumerable<(int Class, int Node, long Weight)> TermsOf(int limit) => _limits[limit].Terms;

    /// <summary>Most that the sum of a limit may be; negative where embedding and head alone are too much.</summary>
    public long MostOf(int limit) => _limits[limit].Most;

    /// <summary>Says in words that limits can't be kept together.</summary>
    /// <param name="limits">Limits, by index.</param>
    public IReadOnlyList<string> InWords(IReadOnlyList<int> limits)
    {
        ArgumentNullException.ThrowIfNull(limits);
        Limit[] core = [.. limits.Select(l => _limits[l])];
        List<string> words = [];
        bool isPrivate = core.Any(l => l.Kind == LimitKind.Privacy);
        AddMemory(core, isPrivate, words);
        AddLoad(core, isPrivate, words);
        if (core.Any(l => l.Kind == LimitKind.Speed))
        {
            words.Add($"On some nodes a layer alone takes more than {CostModel.UsableSloMultiple} times an SLO: {NodesOf(core, LimitKind.Speed)}.");
        }

        if (core.Any(l => l.Kind == LimitKind.Newcomers))
        {
            words.Add($"No new layer is taken by {NodesOf(core, LimitKind.Newcomers)}.");
        }

        if (core.Any(l => l.Kind == LimitKind.Moves))
        {
            words.Add($"No usable link brings layers from where they are to {NodesOf(core, LimitKind.Moves)}.");
        }

        return words;
    }

    private void AddMemory(Limit[] core, bool isPrivate, List<string> words)
    {
        int[] nodes = [.. core.Where(l => l.Kind == LimitKind.Memory).Select(l => l.Node)];
        if (nodes.Length == 0)
        {
            return;
        }

        if (nodes.Length == 1 && _open.Layers.MemoryLimit[nodes[0]] < 0)
        {
            words.Add($"Embedding and head need {Words.Bytes(_problem.Ends.WeightBytes)} on {_problem.Origin}, which has {Words.Bytes(_problem.Nodes[nodes[0]].FreeMemoryBytes)} free.");
            return;
        }

        Int128 need = 0, have = 0;
        for (int u = 0; u < _problem.Layers.Count; u++)
        {
            need += !isPrivate || _problem.NeedsTrust(u) ? _open.Layers.Memory[u] : 0;
        }

        foreach (int n in nodes)
        {
            have += Math.Max(0, _open.Layers.MemoryLimit[n]);
        }

        bool isAllTrusted = nodes.All(_open.IsTrusted) && nodes.Length == Enumerable.Range(0, NodeCount).Count(_open.IsTrusted);
        string names = string.Join(", ", nodes.Select(n => _problem.Nodes[n].Id));
        words.Add(isPrivate && isAllTrusted ? $"Privacy needs {Words.Bytes(need)} on trusted nodes, trusted nodes have {Words.Bytes(have)}."
            : isPrivate ? $"Privacy needs {Words.Bytes(need)} on trusted nodes; {names} have {Words.Bytes(have)}."
            : $"The layers need {Words.Bytes(need)} of memory; {names} have {Words.Bytes(have)} for them.");
    }

    private void AddLoad(Limit[] core, bool isPrivate, List<string> words)
    {
        Limit[] busy = [.. core.Where(l => l.Kind == LimitKind.Load)];
        if (busy.Length == 0)
        {
            return;
        }

        int must = Enumerable.Range(0, _problem.Layers.Count).Count(u => !isPrivate || _problem.NeedsTrust(u));
        IEnumerable<string> room = busy.Select(l => l.Most < 0
            ? $"{_problem.Nodes[l.Node].Id} is {Words.Percent(_open.Layers.BaseLoad[l.Node])} busy before it runs a layer"
            : $"{_problem.Nodes[l.Node].Id} has time for {LayersInTime(l.Node)}");
        words.Add($"Below {Words.Percent(UtilizationCurve.MaxLoad)} of utilisation {string.Join(", ", room)}, of {must} layers that {(isPrivate ? "privacy keeps on trusted nodes" : "must run")}.");
    }

    // Most layers that fit, the lightest first.
    private int LayersInTime(int node)
    {
        long left = _open.Layers.LoadLimit[node];
        int count = 0;
        foreach (long load in Enumerable.Range(0, _problem.Layers.Count).Select(u => _open.Layers.Load(node, u)).Order())
        {
            left -= load;
            if (left < 0)
            {
                break;
            }

            count++;
        }

        return count;
    }

    private string NodesOf(Limit[] core, LimitKind kind) =>
        string.Join(", ", core.Where(l => l.Kind == kind).SelectMany(l => l.Terms.Select(t => t.Node)).Distinct().Order().Select(n => _problem.Nodes[n].Id));

    private string Key(int u, MigrationPrices? moves) => string.Join(
        '|',
        Enumerable.Range(0, NodeCount).Select(n => $"{_open.Layers.Load(n, u)} {_open.Layers.IsAllowed(n, u)} {moves is not null && moves.Price(n, u) is null}")
            .Append($"{_open.Layers.Memory[u]} {_problem.NeedsTrust(u)} {_problem.HolderOf(u)}"));

    private void AddBans(LimitKind kind, string name, Func<int, int, bool> isBanned)
    {
        (int, int, long)[] terms = [.. from c in Enumerable.Range(0, ClassCount) from n in Enumerable.Range(0, NodeCount) where isBanned(_classes[c][0], n) select (c, n, 1L)];
        if (terms.Length > 0)
        {
            _limits.Add(new Limit(kind, name, -1, 0, terms));
        }
    }

    private void AddSum(LimitKind kind, string name, int node, long most, Func<int, long> weight) =>
        _limits.Add(new Limit(kind, name, node, most, [.. Enumerable.Range(0, ClassCount).Select(c => (c, node, weight(_classes[c][0]))).Where(t => t.Item3 > 0)]));

    private sealed record Limit(LimitKind Kind, string Name, int Node, long Most, IReadOnlyList<(int Class, int Node, long Weight)> Terms);
}
