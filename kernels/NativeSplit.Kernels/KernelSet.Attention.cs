namespace NativeSplit.Kernels;

/// <content>Attention over the pages of a KV cache.</content>
public abstract partial class KernelSet
{
    /// <summary>Attention of some query heads over one page of one key and value head, part of an online softmax.</summary>
    /// <param name="queries">Shape [n, headSize]: all heads, of any rows, that read these positions. At most <see cref="KeyValuePage.MaxQueries"/>.</param>
    /// <param name="keys">Shape [headSize, <see cref="KeyValuePage.Positions"/>]: one element of every position side by side.</param>
    /// <param name="values">Shape [<see cref="KeyValuePage.Positions"/>, headSize].</param>
    /// <param name="first">First position of the page that is read.</param>
    /// <param name="limit">One past the last. What lies outside is never seen, whatever it is.</param>
    /// <param name="scale">Multiplies every score, usually 1/√headSize.</param>
    /// <param name="softCap">When positive, a score s becomes <c>softCap·tanh(s/softCap)</c>; 0 leaves scores as they are.</param>
    /// <param name="states">Shape [n]: running maximum and sum; start from <see cref="SoftmaxState.Empty"/>.</param>
    /// <param name="outputs">Shape [n, headSize]: running Σ exp(score − max)·value; zeroed by the caller at the start.</param>
    /// <param name="scratch">At least n·<see cref="KeyValuePage.Positions"/> floats. Spans may not overlap.</param>
    /// <exception cref="ArgumentException">A length doesn't fit, or the positions aren't a part of the page.</exception>
    /// <remarks>
    /// Milakov and Gimelshein 2018, algorithm 3, taken page by page; soft cap per Gemma Team 2024, section 2. Keys and values
    /// are read once for all queries. A query's result doesn't depend on the others. It depends on how pages are cut, so
    /// callers cut by position alone. Sums, in one order for all sets: a score by fused multiply-adds over the elements of the head, ascending;
    /// exponentials by position mod 16, then the upper half to the lower four times; an output by fused multiply-adds over
    /// positions, ascending. While every score so far is negative infinity, state and output stay as they are.
    /// </remarks>
    public void AttendPage(ReadOnlySpan<float> queries, ReadOnlySpan<float> keys, ReadOnlySpan<float> values, int first, int limit, float scale, float softCap, Span<SoftmaxState> states, Span<float> outputs, Span<float> scratch)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(states.Length, 1, nameof(states));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(states.Length, KeyValuePage.MaxQueries, nameof(states));
        ArgumentOutOfRangeException.ThrowIfNegative(first);
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(limit, first);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(limit, KeyValuePage.Positions);
        int headSize = queries.Length / states.Length;
        ArgumentOutOfRangeException.ThrowIfLessThan(headSize, 1, nameof(queries));
        RequireLength(queries.Length, headSize * states.Length, nameof(queries));
        RequireLength(outputs.Length, queries.Length, nameof(outputs));
        RequireLength(keys.Length, headSize * KeyValuePage.Positions, nameof(keys));
        RequireLength(values.Length, keys.Length, nameof(values));
        ArgumentOutOfRangeException.ThrowIfLessThan(scratch.Length, states.Length * KeyValuePage.Positions, nameof(scratch));
        AttendPageCore(queries, keys, values, first, limit, scale, softCap, states, outputs, scratch);
    }

    /// <summary>Joins the running softmax of later positions to that of earlier ones.</summary>
    /// <param name="laterState">State over the later positions; nothing is joined when it is empty.</param>
    /// <param name="laterOutput">Shape [headSize].</param>
    /// <param name="state">State over the earlier positions; afterwards over both.</param>
    /// <param name="output">Shape [headSize]: as <paramref name="state"/>. May not overlap <paramref name="laterOutput"/>.</param>
    /// <remarks>Milakov and Gimelshein 2018, eq. 4. With c = exp(max − new max) of each side: <c>fma(later, c₂, earlier·c₁)</c>.</remarks>
    public void MergeAttention(SoftmaxState laterState, ReadOnlySpan<float> laterOutput, ref SoftmaxState state, Span<float> output)
    {
        RequireLength(output.Length, laterOutput.Length, nameof(output));
        RequireApart(laterOutput, output, nameof(output));
        if (float.IsNegativeInfinity(laterState.Maximum))
        {
            return;
        }

        if (float.IsNegativeInfinity(state.Maximum))
        {
            state = laterState;
            laterOutput.CopyTo(output);
            return;
        }

        float maximum = MathF.Max(state.Maximum, laterState.Maximum);
        float earlier = ExpCore(state.Maximum - maximum);
        float later = ExpCore(laterState.Maximum - maximum);
        state = new SoftmaxState(maximum, MathF.FusedMultiplyAdd(laterState.Sum, later, state.Sum * earlier));
        ScaleCore(earlier, output);
        MultiplyAddCore(later, laterOutput, output);
    }

    /// <summary>Divides the running output by the running sum.</summary>
    /// <param name="state">State after the last page.</param>
    /// <param name="output">Shape [headSize], in place. NaN when no score was above negative infinity: there is nothing to average.</param>
    public void FinishAttention(SoftmaxState state, Span<float> output) => ScaleCore(1f / state.Sum, output);

    /// <summary>As <see cref="AttendPage"/>, arguments checked.</summary>
    protected abstract void AttendPageCore(ReadOnlySpan<float> queries, ReadOnlySpan<float> keys, ReadOnlySpan<float> values, int first, int limit, float scale, float softCap, Span<SoftmaxState> states, Span<float> outputs, Span<float> scratch);

    /// <summary>e to the power of x, as the set's softmax takes it.</summary>
    protected abstract float ExpCore(float x);
}
