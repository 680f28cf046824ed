namespace NativeSplit.Jinja.Runtime;

/// <summary>Counts what one rendering costs and ends it at a bound.</summary>
internal sealed class Budget(JinjaLimits limits)
{
    private const int CharactersPerUnit = 16;

    private long _work;
    private long _allocated;
    private long _iterations;
    private int _calls;

    public JinjaLimits Limits { get; } = limits;

    /// <summary>Counts steps.</summary>
    public void Work(CallSite site, long units)
    {
        _work += units;
        if (_work > Limits.MaxWork)
        {
            throw site.Limit($"The template takes more than {Limits.MaxWork} steps");
        }
    }

    /// <summary>Counts characters or items that a step looks at.</summary>
    public void Scan(CallSite site, long length) => Work(site, length / CharactersPerUnit);

    /// <summary>Counts a string before it is made; looking at it is counted too.</summary>
    public void Allocate(CallSite site, long characters)
    {
        _allocated += characters;
        if (characters > Limits.MaxOutputLength || _allocated > Limits.MaxAllocation)
        {
            throw site.Limit($"The template makes a string longer than {Limits.MaxOutputLength} characters, or strings and lists of more than {Limits.MaxAllocation} in all");
        }

        Scan(site, characters);
    }

    /// <summary>Counts a list before it is made: a reference is as big as four characters.</summary>
    public void AllocateItems(CallSite site, long count) => Allocate(site, count * 4);

    /// <summary>Counts an iteration of a loop.</summary>
    public void Iterate(CallSite site)
    {
        if (++_iterations > Limits.MaxLoopIterations)
        {
            throw site.Limit($"The loops of the template run more than {Limits.MaxLoopIterations} times");
        }

        // An iteration brings a scope and a loop object.
        Allocate(site, CharactersPerUnit);
    }

    public void EnterCall(CallSite site)
    {
        if (++_calls > Limits.MaxCallDepth)
        {
            throw site.Limit($"Macros call each other deeper than {Limits.MaxCallDepth} levels");
        }

        // A call brings a scope and its arguments.
        Allocate(site, 16 * CharactersPerUnit);
    }

    public void LeaveCall() => _calls--;
}
