namespace NativeSplit.Placement.Certifying;

/// <summary>Answer to "is there a plan with Φ at most this goal?": <see cref="Refuted"/>, <see cref="Improved"/>, <see cref="OutOfTime"/>, <see cref="Skipped"/> or <see cref="Unavailable"/>.</summary>
public abstract record CertificateResult
{
    private CertificateResult()
    {
    }

    /// <summary>No plan costs the goal or less; proven.</summary>
    /// <param name="Goal">The goal, in 1e-5.</param>
    /// <param name="By">Who proved it.</param>
    /// <param name="CandidateCount">Segments that the bound had left.</param>
    public sealed record Refuted(long Goal, Certifier By, int CandidateCount) : CertificateResult;

    /// <summary>There is one, and it passed the checker.</summary>
    /// <param name="Better">The plan. Its bound is the evidence's.</param>
    /// <param name="CandidateCount">Segments that the bound had left.</param>
    public sealed record Improved(PlacementResult.Placed Better, int CandidateCount) : CertificateResult;

    /// <summary>The time ended first, or the caller cancelled.</summary>
    /// <param name="WasCancelled">True when the caller cancelled.</param>
    /// <param name="CandidateCount">Segments that the bound had left.</param>
    public sealed record OutOfTime(bool WasCancelled, int CandidateCount) : CertificateResult;

    /// <summary>Too many segments were left to be worth asking.</summary>
    /// <param name="CandidateCount">Segments that the bound had left.</param>
    /// <param name="Limit">Most that are tried.</param>
    public sealed record Skipped(int CandidateCount, int Limit) : CertificateResult;

    /// <summary>The prover isn't installed.</summary>
    /// <param name="Reason">What is missing and how to install it.</param>
    public sealed record Unavailable(string Reason) : CertificateResult;
}

/// <summary>Who proved something of a plan.</summary>
public enum Certifier
{
    /// <summary>Nobody.</summary>
    None,

    /// <summary>The segment programme's own search.</summary>
    Programme,

    /// <summary>The multipliers alone, which <see cref="DualBoundChecker"/> can check.</summary>
    DualBound,

    /// <summary>Z3.</summary>
    Z3,
}
