using NativeSplit.Placement.Problems;

namespace NativeSplit.Placement.Costs;

/// <summary>What a µs of each quantity costs. Quantity 2r is the TTFT of class r, 2r+1 its TPOT.</summary>
internal sealed class TimePrices
{
    private readonly Int128[] _latencyUp;
    private readonly Int128[] _latencyDown;
    private readonly Int128[] _missUp;
    private readonly Int128[] _missDown;

    /// <param name="problem">The problem.</param>
    /// <param name="onlyTime">The one quantity that costs, 1e-5 per µs, so that Φ is that time; null for the problem's own prices.</param>
    public TimePrices(PlacementProblem problem, int? onlyTime = null)
    {
        Count = 2 * problem.Requests.Count;
        Objective = new long[Count];
        _latencyUp = new Int128[Count];
        _latencyDown = new Int128[Count];
        _missUp = new Int128[Count];
        _missDown = new Int128[Count];
        long allRates = problem.Requests.Sum(r => r.RequestsPerKilosecond);
        for (int q = 0; q < Count; q++)
        {
            RequestClass request = problem.Requests[q / 2];
            Objective[q] = q % 2 == 0 ? request.TtftSloMicroseconds : request.TpotSloMicroseconds;
            Int128 share = (Int128)Sensitivity.Whole * request.RequestsPerKilosecond, per = (Int128)1000 * allRates * Objective[q];
            _latencyUp[q] = share * problem.Weights.Latency;
            _latencyDown[q] = 2 * per;
            _missUp[q] = share * problem.Weights.SloMiss;
            _missDown[q] = per;
            if (onlyTime is { } only)
            {
                (_latencyUp[q], _latencyDown[q], _missUp[q]) = (q == only ? 1 : 0, 1, 0);
            }
        }
    }

    /// <summary>Number of quantities.</summary>
    public int Count { get; }

    /// <summary>SLO of each quantity, in µs.</summary>
    public long[] Objective { get; }

    /// <summary>Σ over quantities of α·w·½·t/SLO in 1e-5, each rounded to the nearest.</summary>
    public long Latency(ReadOnlySpan<long> times)
    {
        long sum = 0;
        for (int q = 0; q < times.Length; q++)
        {
            sum += Rational.Nearest(_latencyUp[q] * times[q], _latencyDown[q]);
        }

        return sum;
    }

    /// <summary>Price of a miss: π·w·max(0, t − SLO)/SLO in 1e-5, rounded up.</summary>
    public long Miss(int quantity, long time) => time <= Objective[quantity] ? 0 : MissOf(quantity, time - Objective[quantity]);

    /// <summary>Price of so many µs past the SLO, rounded up. Subadditive, so it also bounds what a delay can add to <see cref="Miss"/>.</summary>
    public long MissOf(int quantity, long excess) => Rational.Ceiling(_missUp[quantity] * excess, _missDown[quantity]);

    /// <summary>Price of a µs past the SLO, in 1e-5.</summary>
    public double MissPerMicrosecond(int quantity) => (double)_missUp[quantity] / (double)_missDown[quantity];

    /// <summary>Price of a µs past the SLO times <paramref name="scale"/>, rounded down.</summary>
    public long MissSlope(int quantity, long scale) => (long)(_missUp[quantity] * scale / _missDown[quantity]);

    /// <summary>True when no time is past its SLO by the factor that makes a layer or hop unusable.</summary>
    public bool IsUsable(ReadOnlySpan<long> times)
    {
        for (int q = 0; q < times.Length; q++)
        {
            if (times[q] > CostModel.UsableSloMultiple * Objective[q])
            {
                return false;
            }
        }

        return true;
    }
}
