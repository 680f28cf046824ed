using NativeSplit.Model;

namespace NativeSplit.Engine.Execution.Cpu;

/// <summary>Which rows run through which expert, and how much each counts. Reused.</summary>
/// <remarks>
/// A slot is a row at one of its experts. Slots are ordered by expert, then by row, so the slots of an expert are neighbours and
/// its weights are read once for all of them; and a row's slots, taken in order, are its experts in ascending order, whatever
/// the batch.
/// </remarks>
internal sealed class ExpertRoutes
{
    private readonly ExpertShape _shape;
    private readonly int[] _chosen;        // [rows, perToken], ascending
    private readonly float[] _weights;     // [rows, perToken]
    private readonly int[] _slots;         // [rows, perToken]
    private readonly int[] _rowOfSlot;     // [slots]
    private readonly int[] _starts;        // [experts + 1]
    private readonly int[] _next;          // [experts]
    private readonly bool[] _taken;        // [experts]

    /// <summary>Makes the tables.</summary>
    /// <param name="shape">Experts of a layer.</param>
    /// <param name="maxRows">Rows of a batch at most.</param>
    public ExpertRoutes(ExpertShape shape, int maxRows)
    {
        _shape = shape;
        int slots = checked(maxRows * shape.PerToken);
        _chosen = new int[slots];
        _weights = new float[slots];
        _slots = new int[slots];
        _rowOfSlot = new int[slots];
        _starts = new int[shape.Count + 1];
        _next = new int[shape.Count];
        _taken = new bool[shape.Count];
    }

    /// <summary>Slots of an expert: the first, and one past the last.</summary>
    public (int Start, int End) SlotsOf(int expert) => (_starts[expert], _starts[expert + 1]);

    /// <summary>Row of a slot.</summary>
    public int RowOf(int slot) => _rowOfSlot[slot];

    /// <summary>Slots of a row, by ascending expert.</summary>
    public ReadOnlySpan<int> SlotsOfRow(int row) => _slots.AsSpan(row * _shape.PerToken, _shape.PerToken);

    /// <summary>Weights of a row's slots.</summary>
    public ReadOnlySpan<float> WeightsOfRow(int row) => _weights.AsSpan(row * _shape.PerToken, _shape.PerToken);

    /// <summary>Chooses experts for every row, and orders the slots.</summary>
    /// <param name="logits">Outputs of the router. Shape [rows, experts].</param>
    /// <param name="rows">Rows.</param>
    public void Route(ReadOnlySpan<float> logits, int rows)
    {
        Array.Clear(_starts);
        for (int row = 0; row < rows; row++)
        {
            Choose(logits.Slice(row * _shape.Count, _shape.Count), row);
            foreach (int expert in ChosenBy(row))
            {
                _starts[expert + 1]++;
            }
        }

        for (int expert = 0; expert < _shape.Count; expert++)
        {
            _next[expert] = _starts[expert];
            _starts[expert + 1] += _starts[expert];
        }

        for (int row = 0; row < rows; row++)
        {
            for (int i = 0; i < _shape.PerToken; i++)
            {
                int slot = _next[_chosen[(row * _shape.PerToken) + i]]++;
                _slots[(row * _shape.PerToken) + i] = slot;
                _rowOfSlot[slot] = row;
            }
        }
    }

    private Span<int> ChosenBy(int row) => _chosen.AsSpan(row * _shape.PerToken, _shape.PerToken);

    // The greatest outputs, the lower expert on equal ones; weights by softmax over all experts. NaN is never greater: it is chosen
    // when nothing else is left, and makes the weights NaN in any case.
    private void Choose(ReadOnlySpan<float> logits, int row)
    {
        var chosen = ChosenBy(row);
        Array.Clear(_taken);
        for (int i = 0; i < chosen.Length; i++)
        {
            int best = -1;
            for (int expert = 0; expert < logits.Length; expert++)
            {
                if (!_taken[expert] && (best < 0 || logits[expert] > logits[best]))
                {
                    best = expert;
                }
            }

            chosen[i] = best;
            _taken[best] = true;
        }

        double maximum = double.NegativeInfinity;
        foreach (float logit in logits)
        {
            maximum = Math.Max(maximum, logit);
        }

        double all = 0;
        double some = 0;
        for (int expert = 0; expert < logits.Length; expert++)
        {
            double weight = Math.Exp(logits[expert] - maximum);
            all += weight;
            some += _taken[expert] ? weight : 0;
        }

        chosen.Sort();
        for (int i = 0; i < chosen.Length; i++)
        {
            _weights[(row * chosen.Length) + i] = (float)(Math.Exp(logits[chosen[i]] - maximum) / (_shape.NormalizeWeights ? some : all));
        }
    }
}
