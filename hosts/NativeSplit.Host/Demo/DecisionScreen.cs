using NativeSplit.Orchestrator;
using NativeSplit.Placement.Deciding;

namespace NativeSplit.Host.Demo;

/// <summary>Keeps the decisions of the demo's orchestrator, and says when one came.</summary>
internal sealed class DecisionScreen : IDecisionLog
{
    private readonly Lock _gate = new();
    private readonly List<DecisionRecord> _changes = [];

    /// <summary>Decisions so far that weren't to keep.</summary>
    public IReadOnlyList<DecisionRecord> Changes
    {
        get
        {
            lock (_gate)
            {
                return [.. _changes];
            }
        }
    }

    /// <summary>The decision made last, of whatever kind.</summary>
    public DecisionRecord? Last { get; private set; }

    public void Write(DecisionRecord record)
    {
        lock (_gate)
        {
            Last = record;
            if (record.Kind is DecisionKind.Redistribute or DecisionKind.Resplit)
            {
                _changes.Add(record);
            }
        }
    }
}
