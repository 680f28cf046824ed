namespace NativeSplit.Kernels.Scalar;

/// <content>Attention over a page.</content>
internal sealed partial class ScalarKernels
{
    private const int ExponentSums = 16;

    /// <inheritdoc/>
    protected override void AttendPageCore(ReadOnlySpan<float> queries, ReadOnlySpan<float> keys, ReadOnlySpan<float> values, int first, int limit, float scale, float softCap, Span<SoftmaxState> states, Span<float> outputs, Span<float> scratch)
    {
        int headSize = outputs.Length / states.Length;
        for (int i = 0; i < states.Length; i++)
        {
            AttendOne(queries.Slice(i * headSize, headSize), keys, values, first, limit, scale, softCap, ref states[i], outputs.Slice(i * headSize, headSize), scratch);
        }
    }

    /// <inheritdoc/>
    protected override float ExpCore(float x) => MathF.Exp(x);

    private static void AttendOne(ReadOnlySpan<float> query, ReadOnlySpan<float> keys, ReadOnlySpan<float> values, int first, int limit, float scale, float softCap, ref SoftmaxState state, Span<float> output, Span<float> scores)
    {
        int headSize = query.Length;
        float maximum = state.Maximum;
        for (int j = first; j < limit; j++)
        {
            float score = 0f;
            for (int i = 0; i < headSize; i++)
            {
                score = MathF.FusedMultiplyAdd(query[i], keys[(i * KeyValuePage.Positions) + j], score);
            }

            score *= scale;
            scores[j] = softCap > 0 ? softCap * MathF.Tanh(score / softCap) : score;
            maximum = MathF.Max(maximum, scores[j]);
        }

        if (float.IsNegativeInfinity(maximum))
        {
            return;
        }

        Span<float> sums = stackalloc float[ExponentSums];
        sums.Clear();
        for (int j = first; j < limit; j++)
        {
            scores[j] = MathF.Exp(scores[j] - maximum);
            sums[j % ExponentSums] += scores[j];
        }

        float correction = MathF.Exp(state.Maximum - maximum);
        state = new SoftmaxState(maximum, (state.Sum * correction) + ScalarDot.Fold(sums));
        for (int i = 0; i < headSize; i++)
        {
            float sum = output[i] * correction;
            for (int j = first; j < limit; j++)
            {
                sum = MathF.FusedMultiplyAdd(scores[j], values[(j * headSize) + i], sum);
            }

            output[i] = sum;
        }
    }
}
