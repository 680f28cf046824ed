using System.Buffers;
using NativeSplit.Engine.Execution;
using NativeSplit.Kernels;
using NativeSplit.Model;
using NativeSplit.Model.Weights;

namespace NativeSplit.Engine.Ends;

/// <summary>The trusted end that turns token ids into hidden rows. Stateless; safe from any thread.</summary>
public sealed class TokenEmbedding
{
    private const int MaxStackElements = 4096;

    private readonly WeightMatrix _weights;
    private readonly WeightMatrix? _positions;
    private readonly KernelSet _kernels;
    private readonly float _scale;

    /// <summary>Makes the embedding of a model.</summary>
    /// <param name="shape">Shape of the model.</param>
    /// <param name="ends">Weights with the embedding; lent, must outlive it.</param>
    /// <param name="kernels">Operations.</param>
    /// <exception cref="ArgumentException">The weights have no embedding.</exception>
    public TokenEmbedding(ModelShape shape, ModelWeights ends, KernelSet kernels)
    {
        ArgumentNullException.ThrowIfNull(shape);
        ArgumentNullException.ThrowIfNull(ends);
        ArgumentNullException.ThrowIfNull(kernels);
        _weights = ends.TokenEmbedding ?? throw new ArgumentException("The embedding wasn't loaded.", nameof(ends));
        _positions = ends.PositionEmbedding;
        _scale = shape.EmbeddingScale;
        _kernels = kernels;
    }

    /// <summary>Tokens in the vocabulary.</summary>
    public int VocabularySize => _weights.Rows;

    /// <summary>Width of a hidden row.</summary>
    public int HiddenSize => _weights.Columns;

    /// <summary>Looks tokens up, the rows of one sequence from a position on.</summary>
    /// <param name="tokens">Ids. Shape [rows].</param>
    /// <param name="hidden">Shape [rows, hidden].</param>
    /// <param name="position">Position of the first row; counts for models with learned positions.</param>
    /// <exception cref="ArgumentException">A token isn't in the vocabulary or a position not in the context (what is written then is undefined), or the lengths don't fit.</exception>
    public void Embed(ReadOnlySpan<TokenId> tokens, Span<float> hidden, int position = 0) =>
        Embed(tokens, [new SequenceRows(default, position, tokens.Length)], hidden);

    /// <summary>Looks the tokens of a batch up.</summary>
    /// <param name="tokens">Ids. Shape [rows].</param>
    /// <param name="batch">The sequences that the rows are of; positions count for models with learned ones.</param>
    /// <param name="hidden">Shape [rows, hidden].</param>
    /// <exception cref="ArgumentException">A token isn't in the vocabulary or a position not in the context (what is written then is undefined), or the lengths don't fit.</exception>
    public void Embed(ReadOnlySpan<TokenId> tokens, ReadOnlySpan<SequenceRows> batch, Span<float> hidden)
    {
        if (hidden.Length != (long)tokens.Length * HiddenSize || SequenceRows.Total(batch) != tokens.Length)
        {
            throw new ArgumentException(
                $"{tokens.Length} tokens of width {HiddenSize} don't fit {hidden.Length} elements, or a batch of {SequenceRows.Total(batch)} rows.", nameof(hidden));
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
            var target = hidden.Slice(row * HiddenSize, HiddenSize);
            _kernels.DequantizeRow(_weights, tokens[row].Value, target);
            if (_scale != 1f)
            {
                _kernels.Scale(_scale, target);
            }
        }

        if (_positions is not null)
        {
            AddPositions(batch, hidden, _positions);
        }
    }

    private void AddPositions(ReadOnlySpan<SequenceRows> batch, Span<float> hidden, WeightMatrix positions)
    {
        foreach (var rows in batch)
        {
            if (rows.Position < 0 || rows.Position > positions.Rows - rows.Count)
            {
                throw new ArgumentException($"Positions {rows.Position} to {rows.Position + rows.Count} aren't in the context of {positions.Rows}.", nameof(batch));
            }
        }

        float[]? rented = HiddenSize > MaxStackElements ? ArrayPool<float>.Shared.Rent(HiddenSize) : null;
        Span<float> position = rented is null ? stackalloc float[HiddenSize] : rented.AsSpan(0, HiddenSize);
        int row = 0;
        foreach (var rows in batch)
        {
            for (int i = 0; i < rows.Count; i++, row++)
            {
                _kernels.DequantizeRow(positions, rows.Position + i, position);
                _kernels.Add(position, hidden.Slice(row * HiddenSize, HiddenSize));
            }
        }

        if (rented is not null)
        {
            ArrayPool<float>.Shared.Return(rented);
        }
    }
}
