namespace NativeSplit.Kernels.Tests.Kernels;

/// <summary>Random queries over positions [first, first + count) of consecutive pages.</summary>
internal sealed class AttentionCase
{
    private const int Positions = KeyValuePage.Positions;

    private readonly int _headSize;
    private readonly int _first;
    private readonly int _end;
    private readonly int _pages;
    private readonly float[] _queries;   // [queries, headSize]
    private readonly float[] _keys;      // [pages, headSize, Positions]
    private readonly float[] _values;    // [pages, Positions, headSize]

    public AttentionCase(Random random, int headSize, int queries, int first, int count)
    {
        (_headSize, _first, _end) = (headSize, first, first + count);
        _pages = ((_end - 1) / Positions) + 1;
        _queries = KernelSetCases.RandomFloats(random, queries * headSize, 4f);
        _keys = KernelSetCases.RandomFloats(random, _pages * Positions * headSize, 4f);
        _values = KernelSetCases.RandomFloats(random, _pages * Positions * headSize);
    }

    private AttentionCase(AttentionCase other, int query)
    {
        (_headSize, _first, _end, _pages, _keys, _values) = (other._headSize, other._first, other._end, other._pages, other._keys, other._values);
        _queries = other._queries[(query * _headSize)..((query + 1) * _headSize)];
    }

    private int Queries => _queries.Length / _headSize;

    private float Scale => 1f / MathF.Sqrt(_headSize);

    /// <summary>The same with one of the queries.</summary>
    public AttentionCase Only(int query) => new(this, query);

    /// <summary>Fills keys and values of positions that aren't read.</summary>
    public void FillOutside(float value)
    {
        for (int position = 0; position < _pages * Positions; position++)
        {
            for (int i = 0; i < _headSize && (position < _first || position >= _end); i++)
            {
                _keys[KeyAt(position, i)] = value;
                _values[(position * _headSize) + i] = value;
            }
        }
    }

    public float[] Attend(KernelSet set, float softCap)
    {
        float[] outputs = new float[_queries.Length];
        var states = new SoftmaxState[Queries];
        Array.Fill(states, SoftmaxState.Empty);
        float[] scratch = new float[Queries * Positions];
        int pageFloats = Positions * _headSize;
        for (int page = _first / Positions; page < _pages; page++)
        {
            int start = page * Positions;
            set.AttendPage(
                _queries,
                _keys.AsSpan(page * pageFloats, pageFloats),
                _values.AsSpan(page * pageFloats, pageFloats),
                Math.Max(0, _first - start),
                Math.Min(Positions, _end - start),
                Scale,
                softCap,
                states,
                outputs,
                scratch);
        }

        for (int query = 0; query < Queries; query++)
        {
            set.FinishAttention(states[query], outputs.AsSpan(query * _headSize, _headSize));
        }

        return outputs;
    }

    public double[] Reference(float softCap)
    {
        double[] outputs = new double[_queries.Length];
        for (int query = 0; query < Queries; query++)
        {
            double[] scores = [.. Enumerable.Range(_first, _end - _first).Select(position => Score(query, position, softCap))];
            double maximum = scores.Max();
            double sum = scores.Sum(score => Math.Exp(score - maximum));
            for (int i = 0; i < _headSize; i++)
            {
                outputs[(query * _headSize) + i] =
                    scores.Select((score, j) => Math.Exp(score - maximum) / sum * _values[((_first + j) * _headSize) + i]).Sum();
            }
        }

        return outputs;
    }

    private double Score(int query, int position, float softCap)
    {
        double score = 0;
        for (int i = 0; i < _headSize; i++)
        {
            score += (double)_queries[(query * _headSize) + i] * _keys[KeyAt(position, i)];
        }

        score *= Scale;
        return softCap > 0 ? softCap * Math.Tanh(score / softCap) : score;
    }

    private int KeyAt(int position, int element) => (position / Positions * Positions * _headSize) + (element * Positions) + (position % Positions);
}
