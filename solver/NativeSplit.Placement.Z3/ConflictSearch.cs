using NativeSplit.Placement.Certifying;
using NativeSplit.Placement.Problems;
using NativeSplit.Placement.Z3.Interop;

namespace NativeSplit.Placement.Z3;

/// <summary>Finds a smallest set of limits that can't be kept together, even if layers could be cut anywhere and put in any order.</summary>
/// <remarks>
/// Linear over the reals, so a conflict there is one for every plan. Layers that are alike in all figures count as one class with a number.
/// Each limit is guarded by a literal; the core over the guards is minimised by deletion: leave one out, see whether the rest still contradicts.
/// </remarks>
internal sealed class ConflictSearch
{
    private readonly LimitTable _limits;
    private readonly TimeProvider _clock;
    private readonly TimeSpan _timeLimit;
    private readonly CancellationToken _cancellationToken;
    private readonly long _begin;

    public ConflictSearch(PlacementProblem problem, TimeProvider clock, TimeSpan timeLimit, CancellationToken cancellationToken)
    {
        (_clock, _timeLimit, _cancellationToken, _begin) = (clock, timeLimit, cancellationToken, clock.GetTimestamp());
        _limits = LimitTable.Of(problem);
    }

    private TimeSpan Left => _cancellationToken.IsCancellationRequested ? TimeSpan.Zero : _timeLimit - _clock.GetElapsedTime(_begin);

    public ConflictResult Run()
    {
        using Z3Context context = new();
        using Z3Solver solver = new(context, null);
        using CancellationTokenRegistration interrupt = _cancellationToken.UnsafeRegister(static state => ((Z3Context)state!).Interrupt(), context);
        Dictionary<Z3Term, int> guards = State(context, solver);
        if (Left <= TimeSpan.Zero)
        {
            return new ConflictResult.NotFound(false);
        }

        Z3Answer answer = solver.Check(Left, [.. guards.Keys]);
        if (answer != Z3Answer.Unsatisfiable)
        {
            return new ConflictResult.NotFound(answer == Z3Answer.Satisfiable);
        }

        (List<Z3Term> core, bool isMinimal) = Minimise(solver, solver.Core());
        int[] limits = [.. core.Select(g => guards[g]).Order()];
        return new ConflictResult.Conflict(_limits.InWords(limits), [.. limits.Select(l => _limits.Names[l])], isMinimal);
    }

    private Dictionary<Z3Term, int> State(Z3Context context, Z3Solver solver)
    {
        Z3Term zero = context.Real(0);
        Z3Term[,] amount = new Z3Term[_limits.ClassCount, _limits.NodeCount];
        for (int c = 0; c < _limits.ClassCount; c++)
        {
            Z3Term[] row = new Z3Term[_limits.NodeCount];
            for (int n = 0; n < row.Length; n++)
            {
                row[n] = amount[c, n] = context.NewReal();
                solver.Assert(context.AtMost(zero, row[n]));
            }

            solver.Assert(context.Equal(context.Sum(row), context.Real(_limits.CountOf(c))));
        }

        Dictionary<Z3Term, int> guards = [];
        for (int l = 0; l < _limits.Names.Count; l++)
        {
            Z3Term guard = context.NewBool();
            guards.Add(guard, l);
            List<Z3Term> sum = [zero];
            foreach ((int c, int n, long weight) in _limits.TermsOf(l))
            {
                sum.Add(context.Times(weight, amount[c, n]));
            }

            solver.Assert(context.Implies(guard, context.AtMost(context.Sum([.. sum]), context.Real(_limits.MostOf(l)))));
        }

        return guards;
    }

    private (List<Z3Term> Core, bool IsMinimal) Minimise(Z3Solver solver, HashSet<Z3Term> core)
    {
        // In a fixed order, so that equal problems get equal reasons.
        List<Z3Term> open = [.. core.OrderBy(t => t.Pointer)], needed = [];
        while (open.Count > 0)
        {
            if (Left <= TimeSpan.Zero)
            {
                return ([.. needed, .. open], false);
            }

            Z3Term tried = open[^1];
            open.RemoveAt(open.Count - 1);
            switch (solver.Check(Left, [.. needed, .. open]))
            {
                case Z3Answer.Unsatisfiable:
                    HashSet<Z3Term> smaller = solver.Core();
                    open.RemoveAll(t => !smaller.Contains(t));
                    break;
                case Z3Answer.Satisfiable:
                    needed.Add(tried);
                    break;
                default:
                    return ([.. needed, .. open, tried], false);
            }
        }

        return (needed, true);
    }
}
