using NativeSplit.Placement.Z3.Interop;

namespace NativeSplit.Placement.Z3;

/// <summary>A sum of weights of literals that must stay at a limit. Weights past Z3's 32 bits are counted in coarser units, rounded so that the rule only gets weaker.</summary>
internal sealed class WeightedSum
{
    private const long MostInZ3 = 1 << 29;

    private readonly List<Z3Term> _terms = [];
    private readonly List<long> _weights = [];

    public void Add(Z3Term term, long weight)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(weight);
        if (weight > 0)
        {
            _terms.Add(term);
            _weights.Add(weight);
        }
    }

    /// <summary>The rule, or null when it always holds.</summary>
    public Z3Term? AtMost(Z3Context context, long limit)
    {
        if (limit < 0)
        {
            return context.Or();
        }

        // floor(w/u) of each sums to at most floor(limit/u) whenever the weights sum to at most the limit.
        long unit = (limit / MostInZ3) + 1, all = 0, most = limit / unit;
        int[] weights = new int[_weights.Count];
        for (int i = 0; i < weights.Length; i++)
        {
            weights[i] = (int)Math.Min(_weights[i] / unit, most + 1);
            all += weights[i];
        }

        return all <= most ? null : context.WeightAtMost(System.Runtime.InteropServices.CollectionsMarshal.AsSpan(_terms), weights, (int)most);
    }
}
