using NativeSplit.Placement.Costs;

namespace NativeSplit.Placement.Solving;

/// <summary>Raises the lower bound by subgradient steps on the multipliers, and offers every chain it meets.</summary>
/// <remarks>
/// The steps use floating point, the bound doesn't: any multipliers give a valid one. Deflected directions (half of the last one is kept),
/// step from the gap to the best plan (Polyak), halved after steps without gain. Residuals are relative to their limits.
/// </remarks>
internal sealed class DualAscent
{
    private const int PatienceSteps = 6;
    private const double SmallestStep = 0.03;
    private const int ChainsKept = 16;

    // Keeps multiplier times limit inside the range in which all sums fit 64 bits.
    internal const double MaxPrice = 1e15;

    private readonly SegmentTable _segments;
    private readonly CostModel _model;
    private readonly Relaxation _relaxation;
    private readonly Incumbent _incumbent;
    private readonly Multipliers _best;
    private readonly double[] _memory;
    private readonly double[] _load;
    private readonly double[] _visits;
    private readonly double[] _time;
    private readonly long[] _usedMemory;
    private readonly long[] _usedLoad;
    private readonly int[] _usedVisits;
    private readonly long[] _usedTime;
    private readonly List<List<Piece>> _chains = [];

    public DualAscent(SegmentTable segments, Relaxation relaxation, Incumbent incumbent)
    {
        _segments = segments;
        _model = segments.Model;
        _relaxation = relaxation;
        _incumbent = incumbent;
        int nodes = _model.NodeCount, quantities = _model.Prices.Count;
        _best = new Multipliers(nodes, quantities);
        _memory = new double[nodes];
        _load = new double[nodes];
        _visits = new double[nodes];
        _time = new double[quantities];
        _usedMemory = new long[nodes];
        _usedLoad = new long[nodes];
        _usedVisits = new int[nodes];
        _usedTime = new long[quantities];
    }

    /// <summary>Best bound so far, scaled; <see cref="Relaxation.Infinite"/> when no chain exists at all.</summary>
    public long Bound { get; private set; } = -Relaxation.Infinite;

    /// <summary>The last chains of the last climb, the latest last.</summary>
    public IReadOnlyList<IReadOnlyList<Piece>> Chains => _chains;

    /// <summary>Climbs. Leaves the relaxation's tables filled for the best multipliers.</summary>
    public void Climb(int iterations, double step, BudgetMeter meter)
    {
        _chains.Clear();
        ClearDirections();
        // Tables with more bits give another, higher function: start from its value at the best multipliers.
        long reached = -Relaxation.Infinite;
        int idle = 0;
        for (int i = 0; i < iterations && meter.Spend(_relaxation.StepsPerRun); i++)
        {
            _relaxation.Run();
            if (_relaxation.LowerBound >= Relaxation.Infinite)
            {
                Bound = Relaxation.Infinite;
                return;
            }

            if (_relaxation.LowerBound > reached)
            {
                idle = _relaxation.LowerBound > reached + Math.Abs(reached / 5000) ? 0 : idle;
                reached = _relaxation.LowerBound;
                _best.CopyFrom(_relaxation.Multipliers);
            }
            else if (++idle > PatienceSteps)
            {
                idle = 0;
                step /= 2;
                _relaxation.Multipliers.CopyFrom(_best);
                ClearDirections();
                if (step < SmallestStep)
                {
                    break;
                }

                continue;
            }

            Bound = Math.Max(Bound, reached);
            if ((_incumbent.Exists && CeilDiv(Bound) >= _incumbent.CostLess(meter.AcceptedGap)) || !Step(step))
            {
                break;
            }
        }

        _relaxation.Multipliers.CopyFrom(_best);
        _relaxation.Run();
        Bound = Math.Max(Bound, _relaxation.LowerBound);
    }

    /// <summary>A scaled bound as Φ in 1e-5: rounded up, since Φ is an integer.</summary>
    public static long CeilDiv(long scaled) => scaled > 0 ? ((scaled - 1) / Relaxation.Scale) + 1 : scaled / Relaxation.Scale;

    private void ClearDirections()
    {
        Array.Clear(_memory);
        Array.Clear(_load);
        Array.Clear(_visits);
        Array.Clear(_time);
    }

    // False when the chain breaks no coupling rule, so that no direction is left.
    private bool Step(double step)
    {
        List<Piece> pieces = _relaxation.Trace();
        _chains.Add(pieces);
        if (_chains.Count > ChainsKept)
        {
            _chains.RemoveAt(0);
        }

        _incumbent.Offer(System.Runtime.InteropServices.CollectionsMarshal.AsSpan(pieces));
        Measure(pieces);
        Multipliers now = _relaxation.Multipliers;
        double norm = 0;
        for (int n = 0; n < _model.NodeCount; n++)
        {
            int limit = _model.MaxSegments(n);
            norm += Deflect(_memory, n, now.Memory[n], _usedMemory[n], _segments.MemoryLimitUnits(n));
            norm += Deflect(_load, n, now.Load[n], _usedLoad[n], _segments.LoadLimit(n));
            norm += Deflect(_visits, n, now.Visits[n], _usedVisits[n], limit);
        }

        for (int q = 0; q < _time.Length; q++)
        {
            norm += Deflect(_time, q, now.Time[q], _usedTime[q], _model.Prices.Objective[q]);
        }

        if (norm < 1e-12)
        {
            return false;
        }

        double at = _relaxation.LowerBound;
        double target = _incumbent.Exists ? Math.Min((double)_incumbent.Cost * Relaxation.Scale, (at * 1.3) + (100 * Relaxation.Scale)) : (at * 1.05) + (100 * Relaxation.Scale);
        double length = step * Math.Max(Relaxation.Scale, target - at) / norm / 2;
        for (int n = 0; n < _model.NodeCount; n++)
        {
            now.Memory[n] = Moved(now.Memory[n], length * _memory[n], _segments.MemoryLimitUnits(n), MaxPrice);
            now.Load[n] = Moved(now.Load[n], length * _load[n], _segments.LoadLimit(n), MaxPrice);
            now.Visits[n] = Moved(now.Visits[n], length * _visits[n], _model.MaxSegments(n), MaxPrice);
        }

        for (int q = 0; q < _time.Length; q++)
        {
            long slope = _model.Prices.MissSlope(q, Relaxation.Scale);
            now.Time[q] = Math.Min(slope, Moved(now.Time[q], length * _time[q], _model.Prices.Objective[q], double.MaxValue));
        }

        return true;
    }

    private void Measure(List<Piece> pieces)
    {
        Array.Clear(_usedMemory);
        Array.Clear(_usedLoad);
        Array.Clear(_usedVisits);
        _model.EndTimes.CopyTo(_usedTime, 0);
        int from = _model.Origin;
        foreach ((int node, int start, int end) in pieces)
        {
            _usedMemory[node] += _segments.MemoryUnits(start, end);
            _usedLoad[node] += _segments.Load(node, start, end);
            _usedVisits[node]++;
            _model.Hops.AddTimes(from, node, _usedTime);
            _segments.AddTimes(node, start, end, _usedTime);
            from = node;
        }

        _model.Hops.AddReturnTimes(from, _usedTime);
    }

    // Residual of a limit, with half of the last direction; a multiplier at zero isn't pushed below.
    private static double Deflect(double[] direction, int i, long multiplier, long used, long limit)
    {
        double residual = (used - limit) / (double)Math.Max(1, limit);
        residual = multiplier == 0 && residual < 0 ? 0 : residual;
        direction[i] = residual + (direction[i] / 2);
        return residual * residual;
    }

    private static long Moved(long multiplier, double by, long limit, double maxPrice)
    {
        double scale = Math.Max(1, limit);
        return (long)Math.Clamp(Math.Round(multiplier + (by / scale)), 0, Math.Min(maxPrice / scale, long.MaxValue / 4));
    }
}
