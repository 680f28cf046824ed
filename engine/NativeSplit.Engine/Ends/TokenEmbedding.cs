using NativeSplit.Kernels;
using NativeSplit.Model;

namespace NativeSplit.Engine.Ends;

/// <summary>The trusted end that turns token ids into hidden rows. Stateless; safe from any thread.</summary>
public sealed class TokenEmbedding
{
    private readonly WeightMatrix _weights;
    private readonly KernelSet _kernels;

    /// <summary>Makes the embedding.</summary>
    /// <param name="weights">Shape [vocabulary, hidden]; lent, must outlive it.</param>
    /// <param name="kernels">Operations.</param>
    public TokenEmbedding(WeightMatrix weights, KernelSet kernels)
    {
        ArgumentNullException.ThrowIfNull(weights);
        ArgumentNullException.ThrowIfNull(kernels);
        _weights = weights;
        _kernels = kernels;
    }

    /// <summary>Tokens in the vocabulary.</summary>
    public int VocabularySize => _weights.Rows;

    /// <summary>Width of a hidden row.</summary>
    public int HiddenSize => _weights.Columns;

    /// <summary>Looks tokens up.</summary>
    /// <param name="tokens">Ids. Shape [rows].</param>
    /// <param name="hidden">Shape [rows, hidden].</param>
    /// <exception cref="ArgumentException">A token isn't in the vocabulary (nothing is written), or the lengths don't fit.</exception>
    public void Embed(ReadOnlySpan<TokenId> tokens, Span<float> hidden)
    {
        if (hidden.Length != (long)tokens.Length * HiddenSize)
        {
            throw new ArgumentException($"{tokens.Length} tokens of width {HiddenSize} don't fit {hidden.Length} elements.", nameof(hidden));
        }

        foreach (var token in tokens)
        {
            if ((uint)token.Value >= (uint)VocabularySize)
            {
                throw new ArgumentException($"Token {token} isn't in the vocabulary of {VocabularySize}.", nameof(tokens));
            }
        }

        for (int row = 0; row < tokens.Length; row++)
        {
            _kernels.DequantizeRow(_weights, tokens[row].Value, hidden.Slice(row * HiddenSize, HiddenSize));
        }
    }
}
