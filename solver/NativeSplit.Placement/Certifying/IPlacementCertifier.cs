using NativeSplit.Placement.Problems;

namespace NativeSplit.Placement.Certifying;

/// <summary>A second opinion on a plan, from a prover that shares no code with the search.</summary>
public interface IPlacementCertifier
{
    /// <summary>Asks whether a plan with Φ ≤ <paramref name="goal"/> exists.</summary>
    /// <param name="problem">The problem.</param>
    /// <param name="known">The best plan known, with the multipliers that say what segments a better one could have.</param>
    /// <param name="goal">Φ wanted, in 1e-5.</param>
    /// <param name="timeLimit">Most time.</param>
    /// <param name="cancellationToken">Ends the proof at once; the answer is then <see cref="CertificateResult.OutOfTime"/>.</param>
    /// <exception cref="PlanException"><see cref="PlanFault.ProblemInvalid"/>.</exception>
    /// <exception cref="ArgumentException">The plan comes without evidence, or with that of another problem.</exception>
    CertificateResult Ask(PlacementProblem problem, PlacementResult.Placed known, long goal, TimeSpan timeLimit, CancellationToken cancellationToken);

    /// <summary>Says why no plan exists, as a smallest set of limits that can't be kept together.</summary>
    /// <param name="problem">The problem.</param>
    /// <param name="timeLimit">Most time.</param>
    /// <param name="cancellationToken">Ends it at once.</param>
    /// <exception cref="PlanException"><see cref="PlanFault.ProblemInvalid"/>.</exception>
    ConflictResult Explain(PlacementProblem problem, TimeSpan timeLimit, CancellationToken cancellationToken);
}
