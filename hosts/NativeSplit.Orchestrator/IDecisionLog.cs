namespace NativeSplit.Orchestrator;

/// <summary>Takes decisions: for a file, a log, a screen.</summary>
public interface IDecisionLog
{
    /// <summary>Takes a decision. Called by one thread; may not throw.</summary>
    void Write(DecisionRecord record);
}
