using NativeSplit.Placement.Certifying;
using NativeSplit.Placement.Problems;
using NativeSplit.Placement.Z3.Interop;

namespace NativeSplit.Placement.Z3;

/// <summary>Z3 as the second opinion: refutes that a better plan exists, or finds one; and names limits that contradict each other.</summary>
/// <remarks>
/// Uses the library through its C interface. Without the library every answer is "unavailable", with a word on how to install it.
/// Residuals are pseudo-Boolean (logic QF_FD), conflicts linear over the reals; the two are never mixed with integers or with Z3's own
/// optimisation, where 4.8.12 was seen to return a wrong optimum. Every question has its own context, so an instance may be shared.
/// </remarks>
public sealed class Z3Certifier : IPlacementCertifier
{
    /// <summary>Most candidate segments that are worth asking about.</summary>
    public const int MaxCandidates = 1500;

    // From here on better multipliers pay more than they cost.
    private const int EasyCandidates = 10;

    private readonly string? _missing;
    private readonly TimeProvider _clock;

    /// <summary>Makes a certifier on the library that is found on this machine.</summary>
    /// <param name="clock">Clock for time limits.</param>
    public Z3Certifier(TimeProvider clock)
        : this(clock, Z3Library.Missing)
    {
    }

    internal Z3Certifier(TimeProvider clock, string? missing)
    {
        ArgumentNullException.ThrowIfNull(clock);
        (_clock, _missing) = (clock, missing);
    }

    /// <summary>Why Z3 can't be used, and how to install it; null when it can.</summary>
    public string? Missing => _missing;

    /// <summary>Most steps, as <see cref="SolveBudget.Steps"/>, on better multipliers before Z3 is asked; 0 for none.</summary>
    public long TighteningSteps { get; init; } = 3_000_000;

    /// <summary>Version of the library, as "4.8.12"; empty when missing.</summary>
    public string Version => _missing is null ? Z3Library.Version : string.Empty;

    /// <inheritdoc/>
    /// <exception cref="Z3Exception"><see cref="Z3Fault.Failed"/>: Z3 itself reported an error.</exception>
    public CertificateResult Ask(PlacementProblem problem, PlacementResult.Placed known, long goal, TimeSpan timeLimit, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(known);
        long begin = _clock.GetTimestamp();
        DualEvidence evidence = known.Evidence ?? throw new ArgumentException("The plan comes without multipliers; only the exact solver gives them.", nameof(known));
        ResidualProblem residual = ResidualProblem.Build(problem, evidence, goal);
        if (residual.Segments.Count > EasyCandidates && TighteningSteps > 0)
        {
            evidence = Tightening.Tighten(problem, evidence, known.Plan, goal, TighteningSteps);
            residual = ResidualProblem.Build(problem, evidence, goal);
        }

        int count = residual.Segments.Count;
        if (LacksALayer(residual))
        {
            return new CertificateResult.Refuted(goal, Certifier.DualBound, count);
        }

        if (_missing is not null)
        {
            return new CertificateResult.Unavailable(_missing);
        }

        if (count > MaxCandidates)
        {
            return new CertificateResult.Skipped(count, MaxCandidates);
        }

        using Z3Context context = new();
        using Z3Solver solver = new(context, "QF_FD");
        using CancellationTokenRegistration interrupt = cancellationToken.UnsafeRegister(static state => ((Z3Context)state!).Interrupt(), context);
        ResidualEncoding encoding = new(context, solver, residual);
        while (true)
        {
            TimeSpan left = timeLimit - _clock.GetElapsedTime(begin);
            if (left <= TimeSpan.Zero || cancellationToken.IsCancellationRequested)
            {
                return new CertificateResult.OutOfTime(cancellationToken.IsCancellationRequested, count);
            }

            switch (solver.Check(left))
            {
                case Z3Answer.Unsatisfiable:
                    return new CertificateResult.Refuted(goal, Certifier.Z3, count);
                case Z3Answer.Unknown:
                    return new CertificateResult.OutOfTime(cancellationToken.IsCancellationRequested, count);
                default:
                    if (Take(residual, encoding, solver, evidence) is { } better)
                    {
                        return new CertificateResult.Improved(better, count);
                    }

                    break;
            }
        }
    }

    /// <inheritdoc/>
    /// <exception cref="Z3Exception"><see cref="Z3Fault.Failed"/>: Z3 itself reported an error.</exception>
    public ConflictResult Explain(PlacementProblem problem, TimeSpan timeLimit, CancellationToken cancellationToken) =>
        _missing is not null ? new ConflictResult.Unavailable(_missing) : new ConflictSearch(problem, _clock, timeLimit, cancellationToken).Run();

    private static bool LacksALayer(ResidualProblem residual)
    {
        bool[] covered = new bool[residual.Problem.Layers.Count];
        foreach (CandidateSegment segment in residual.Segments)
        {
            covered.AsSpan(segment.Start, segment.End - segment.Start).Fill(true);
        }

        return covered.Contains(false);
    }

    // The plan that Z3 found, or null after forbidding it when rounding made it look better than it is.
    private static PlacementResult.Placed? Take(ResidualProblem residual, ResidualEncoding encoding, Z3Solver solver, DualEvidence evidence)
    {
        bool[] values = solver.Evaluate(encoding.Segments);
        int[] chosen = [.. Enumerable.Range(0, values.Length).Where(s => values[s]).OrderBy(s => residual.Segments[s].Start)];
        CandidateSegment[] chain = [.. chosen.Select(s => residual.Segments[s])];
        if (residual.Price(chain) is not { } cost || cost.Total > residual.Goal)
        {
            encoding.Forbid(chosen);
            return null;
        }

        Plan plan = residual.ToPlan(chain);
        PlacementVerdict verdict = PlacementChecker.Check(residual.Problem, plan);
        return verdict.Cost is { } judged && judged.Total <= residual.Goal
            ? new PlacementResult.Placed(plan, judged, evidence.Bound) { Evidence = evidence }
            : throw new InvalidOperationException($"Z3's plan was refused: {verdict.Cost?.Total} for a goal of {residual.Goal}. {string.Join(' ', verdict.Faults)}");
    }
}
