namespace NativeSplit.Engine.Sampling;

/// <summary>Buffers of a choice, shared by all samplers that one thread runs in turn. A sampler keeps nothing in it between calls.</summary>
public sealed class SamplerWorkspace
{
    /// <summary>Makes the buffers.</summary>
    /// <param name="vocabularySize">Tokens in the vocabulary.</param>
    public SamplerWorkspace(int vocabularySize)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(vocabularySize);
        Candidates = new int[vocabularySize];
        Weights = new double[vocabularySize];
    }

    /// <summary>Tokens in the vocabulary.</summary>
    public int VocabularySize => Candidates.Length;

    /// <summary>Token ids still in the running. Shape [vocabulary].</summary>
    internal int[] Candidates { get; }

    /// <summary>Unnormalised probabilities, exp((logit − maximum) / temperature). Shape [vocabulary].</summary>
    internal double[] Weights { get; }
}
