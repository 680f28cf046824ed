using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace NativeSplit.Kernels.AdvSimd;

/// <content>Attention over a page.</content>
internal sealed unsafe partial class AdvSimdKernels
{
    private const int Positions = KeyValuePage.Positions;

    /// <inheritdoc/>
    protected override void AttendPageCore(ReadOnlySpan<float> queries, ReadOnlySpan<float> keys, ReadOnlySpan<float> values, int first, int limit, float scale, float softCap, Span<SoftmaxState> states, Span<float> outputs, Span<float> scratch)
    {
        int count = states.Length;
        int headSize = outputs.Length / count;
        float* corrections = stackalloc float[KeyValuePage.MaxQueries];
        fixed (float* pq = queries, pk = keys, pv = values, po = outputs, scores = scratch)
        {
            int i = 0;
            for (; i + AdvSimdAttention.TileQueries <= count; i += AdvSimdAttention.TileQueries)
            {
                AdvSimdAttention.ScoreTile(pq + ((nint)i * headSize), pk, headSize, scores + (i * Positions));
            }

            for (; i < count; i++)
            {
                AdvSimdAttention.ScoreOne(pq + ((nint)i * headSize), pk, headSize, scores + (i * Positions));
            }

            int seen = 0;
            for (i = 0; i < count; i++)
            {
                corrections[i] = Weigh(scores + (i * Positions), first, limit, scale, softCap, ref states[i]);
                seen += float.IsNegativeInfinity(states[i].Maximum) ? 0 : 1;
            }

            i = 0;
            for (; seen == count && i + AdvSimdAttention.TileQueries <= count; i += AdvSimdAttention.TileQueries)
            {
                AdvSimdAttention.AddTile(scores + (i * Positions), corrections + i, pv, first, limit, headSize, po + ((nint)i * headSize));
            }

            for (; i < count; i++)
            {
                if (!float.IsNegativeInfinity(states[i].Maximum))
                {
                    AdvSimdAttention.AddOne(scores + (i * Positions), corrections[i], pv, first, limit, headSize, po + ((nint)i * headSize));
                }
            }
        }
    }

    /// <inheritdoc/>
    protected override float ExpCore(float x) => AdvSimdExp.Exp(Vector128.Create(x)).ToScalar();

    /// <summary>Inner products to weights <c>exp(score − maximum)</c>, 0 outside of the positions read; the state goes on.</summary>
    /// <returns>What the output so far is to be multiplied by.</returns>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static float Weigh(float* scores, int first, int limit, float scale, float softCap, ref SoftmaxState state)
    {
        float maximum = MathF.Max(state.Maximum, Bound(scores, first, limit, scale, softCap));
        if (float.IsNegativeInfinity(maximum))
        {
            return 1f;
        }

        // Position p goes to partial sum p mod 16: lane p mod 4 of vector (p / 4) mod 4.
        Vector128<float> shift = Vector128.Create(maximum);
        Vector128<float> s0 = default, s1 = default, s2 = default, s3 = default;
        for (int p = 0; p < Positions; p += 4 * Lanes)
        {
            Vector128<float> e0 = AdvSimdExp.Exp(Vector128.Load(scores + p) - shift);
            Vector128<float> e1 = AdvSimdExp.Exp(Vector128.Load(scores + p + Lanes) - shift);
            Vector128<float> e2 = AdvSimdExp.Exp(Vector128.Load(scores + p + (2 * Lanes)) - shift);
            Vector128<float> e3 = AdvSimdExp.Exp(Vector128.Load(scores + p + (3 * Lanes)) - shift);
            e0.Store(scores + p);
            e1.Store(scores + p + Lanes);
            e2.Store(scores + p + (2 * Lanes));
            e3.Store(scores + p + (3 * Lanes));
            s0 += e0;
            s1 += e1;
            s2 += e2;
            s3 += e3;
        }

        float correction = AdvSimdExp.Exp(Vector128.Create(state.Maximum - maximum)).ToScalar();
        state = new SoftmaxState(maximum, (state.Sum * correction) + AdvSimdDot.Fold(s0, s1, s2, s3));
        return correction;
    }

    /// <summary>Inner products to scores, negative infinity outside of the positions read.</summary>
    /// <returns>The greatest score.</returns>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static float Bound(float* scores, int first, int limit, float scale, float softCap)
    {
        Vector128<float> factor = Vector128.Create(scale);
        Vector128<float> cap = Vector128.Create(softCap);
        Vector128<float> greatest = Vector128.Create(float.NegativeInfinity);
        bool isWhole = limit - first == Positions;
        for (int p = 0; p < Positions; p += Lanes)
        {
            Vector128<float> score = Vector128.Load(scores + p) * factor;
            score = softCap > 0 ? SoftCap(cap, score) : score;
            score = isWhole ? score : Mask(score, p, first, limit);
            greatest = Vector128.Max(greatest, score);
            score.Store(scores + p);
        }

        Vector128<float> two = Vector128.Max(greatest, Vector128.Shuffle(greatest, Vector128.Create(2, 3, 2, 3)));
        return MathF.Max(two.ToScalar(), two.GetElement(1));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<float> Mask(Vector128<float> scores, int start, int first, int limit)
    {
        Vector128<int> position = Vector128<int>.Indices + Vector128.Create(start);
        Vector128<int> inside = Vector128.GreaterThanOrEqual(position, Vector128.Create(first)) & Vector128.LessThan(position, Vector128.Create(limit));
        return Vector128.ConditionalSelect(inside.AsSingle(), scores, Vector128.Create(float.NegativeInfinity));
    }
}
