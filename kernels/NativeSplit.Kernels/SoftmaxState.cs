namespace NativeSplit.Kernels;

/// <summary>Running maximum and sum of an online softmax.</summary>
/// <param name="Maximum">Greatest score so far.</param>
/// <param name="Sum">Σ exp(score − maximum) so far.</param>
public readonly record struct SoftmaxState(float Maximum, float Sum)
{
    /// <summary>The state before any score.</summary>
    public static SoftmaxState Empty => new(float.NegativeInfinity, 0f);
}
