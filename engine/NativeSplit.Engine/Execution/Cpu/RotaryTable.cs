using NativeSplit.Model;

namespace NativeSplit.Engine.Execution.Cpu;

/// <summary>Cosines and sines of the rotary embedding for every position, worked out once in float64.</summary>
/// <remarks>Angle of pair i at position p: <c>p · θ^(−2i/dimensions) / divisor[i]</c> (Su et al. 2021, section 3.2.2; divisors per <see cref="RopeParameters"/>).</remarks>
public sealed class RotaryTable
{
    private readonly float[] _cosines;   // [positions, pairs]
    private readonly float[] _sines;     // [positions, pairs]
    private readonly int _pairs;

    /// <summary>Builds the table.</summary>
    /// <param name="rope">Parameters.</param>
    /// <param name="positions">Positions from 0.</param>
    public RotaryTable(RopeParameters rope, int positions)
    {
        _pairs = rope.Dimensions / 2;
        _cosines = new float[checked(positions * _pairs)];
        _sines = new float[_cosines.Length];
        for (int pair = 0; pair < _pairs; pair++)
        {
            double divisor = rope.FrequencyDivisors.Count == 0 ? 1.0 : rope.FrequencyDivisors[pair];
            double frequency = Math.Pow(rope.FrequencyBase, -2.0 * pair / rope.Dimensions) / divisor;
            for (int position = 0; position < positions; position++)
            {
                var (sine, cosine) = Math.SinCos(position * frequency);
                _cosines[(position * _pairs) + pair] = (float)cosine;
                _sines[(position * _pairs) + pair] = (float)sine;
            }
        }
    }

    /// <summary>Cosines at a position. Shape [pairs].</summary>
    public ReadOnlySpan<float> Cosines(int position) => _cosines.AsSpan(position * _pairs, _pairs);

    /// <summary>Sines at a position. Shape [pairs].</summary>
    public ReadOnlySpan<float> Sines(int position) => _sines.AsSpan(position * _pairs, _pairs);
}
