namespace NativeSplit.Placement.Certifying;

/// <summary>Answer to "which limits can't be kept together?": <see cref="Conflict"/>, <see cref="NotFound"/> or <see cref="Unavailable"/>.</summary>
public abstract record ConflictResult
{
    private ConflictResult()
    {
    }

    /// <summary>Limits that contradict each other.</summary>
    /// <param name="Reasons">The conflict in words, with amounts.</param>
    /// <param name="Limits">The limits by name, as "memory of edge-1".</param>
    /// <param name="IsMinimal">True when no limit of these can be left out; false when the time ended while they were being tried.</param>
    public sealed record Conflict(IReadOnlyList<string> Reasons, IReadOnlyList<string> Limits, bool IsMinimal) : ConflictResult;

    /// <summary>Layers could be cut anywhere and the limits still be kept, so what fails is the split into whole layers and segments, or the links; or the time ended.</summary>
    /// <param name="IsRelaxationFeasible">True in the first case.</param>
    public sealed record NotFound(bool IsRelaxationFeasible) : ConflictResult;

    /// <summary>The prover isn't installed.</summary>
    /// <param name="Reason">What is missing and how to install it.</param>
    public sealed record Unavailable(string Reason) : ConflictResult;
}
