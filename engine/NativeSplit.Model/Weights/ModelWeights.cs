using NativeSplit.Kernels;

namespace NativeSplit.Model.Weights;

/// <summary>The weights of a layer range and, if asked for, of the ends. Owns the mapped memory; dispose it last.</summary>
public sealed class ModelWeights : IDisposable
{
    private readonly IReadOnlyList<IDisposable> _regions;
    private readonly Dictionary<WeightMatrix, IDisposable> _homes;

    internal ModelWeights(LayerRange range, IReadOnlyList<LayerWeights> layers, WeightMatrix? tokenEmbedding, HeadWeights? head, long byteLength, IReadOnlyList<IDisposable> regions, Dictionary<WeightMatrix, IDisposable> homes)
    {
        Range = range;
        Layers = layers;
        TokenEmbedding = tokenEmbedding;
        Head = head;
        ByteLength = byteLength;
        _regions = regions;
        _homes = homes;
    }

    /// <summary>Layers that are here.</summary>
    public LayerRange Range { get; }

    /// <summary>One entry per layer of <see cref="Range"/>, in order.</summary>
    public IReadOnlyList<LayerWeights> Layers { get; }

    /// <summary>Shape [vocabulary, hidden]; null when not asked for.</summary>
    public WeightMatrix? TokenEmbedding { get; }

    /// <summary>Learned positions, shape [context, hidden]; null when not asked for, and for models without.</summary>
    public WeightMatrix? PositionEmbedding { get; init; }

    /// <summary>Final norm and LM head; null when not asked for.</summary>
    public HeadWeights? Head { get; }

    /// <summary>Bytes mapped for these weights when they were loaded.</summary>
    public long ByteLength { get; }

    /// <summary>What is mapped, by file and offset.</summary>
    internal IReadOnlyList<WeightExtent> Extents { get; init; } = [];

    /// <summary>Gives a matrix up: it may not be used afterwards. A mapped stretch goes when its last matrix is given up.</summary>
    /// <param name="matrix">A matrix of these weights; one that was given up already is ignored.</param>
    /// <remarks>For executors that keep weights in a form of their own. Not thread-safe.</remarks>
    public void Release(WeightMatrix matrix)
    {
        ArgumentNullException.ThrowIfNull(matrix);
        if (_homes.Remove(matrix, out var region) && !_homes.ContainsValue(region))
        {
            region.Dispose();
        }
    }

    /// <summary>Unmaps everything. Matrices lent from here are dead afterwards.</summary>
    public void Dispose()
    {
        foreach (var region in _regions)
        {
            region.Dispose();
        }
    }
}
