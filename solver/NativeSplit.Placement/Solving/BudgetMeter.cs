namespace NativeSplit.Placement.Solving;

/// <summary>Counts a budget down.</summary>
internal sealed class BudgetMeter
{
    private const int StepsPerLook = 1 << 14;

    private readonly SolveBudget _budget;
    private readonly long _start;
    private long _nextLook;

    public BudgetMeter(SolveBudget budget)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(budget.Steps);
        ArgumentOutOfRangeException.ThrowIfNegative(budget.AcceptedGap);
        _budget = budget;
        _start = budget.Clock?.GetTimestamp() ?? 0;
    }

    /// <summary>Steps spent.</summary>
    public long Spent { get; private set; }

    /// <summary>True once the budget is gone; stays true.</summary>
    public bool IsOver { get; private set; }

    /// <summary>Gap at which the search may stop, in 1e-6 of Φ.</summary>
    public int AcceptedGap => _budget.AcceptedGap;

    /// <summary>Spends steps. False when the budget is gone.</summary>
    public bool Spend(long steps)
    {
        Spent += steps;
        if (Spent > _budget.Steps)
        {
            IsOver = true;
        }
        else if (_budget.Clock is { } clock && Spent >= _nextLook)
        {
            _nextLook = Spent + StepsPerLook;
            IsOver |= clock.GetElapsedTime(_start) > _budget.TimeLimit;
        }

        return !IsOver;
    }
}
