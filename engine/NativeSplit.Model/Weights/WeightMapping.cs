using NativeSplit.Kernels;
using NativeSplit.Kernels.Memory;
using NativeSplit.Model.Architectures;
using NativeSplit.Model.Files;

namespace NativeSplit.Model.Weights;

/// <summary>Regions that are being filled into weights; unmaps them unless they are detached.</summary>
/// <remarks>Fused tensors become matrices by cutting at rows: stored rows are whole, so a part of a tensor is a matrix as good as any.</remarks>
internal sealed class WeightMapping : IDisposable
{
    private readonly ModelShape _shape;
    private readonly float _gainOffset;
    private readonly List<(WeightExtent Extent, MemoryRegion Region)> _mapped = [];
    private readonly HashSet<MemoryRegion> _lent = [];
    private readonly Dictionary<WeightMatrix, IDisposable> _homes = [];

    /// <summary>Maps the extents.</summary>
    /// <param name="shape">Shape of the model.</param>
    /// <param name="store">The files; lent.</param>
    /// <param name="extents">What to map.</param>
    /// <param name="gainOffset">Added to every gain of a norm.</param>
    public WeightMapping(ModelShape shape, WeightStore store, List<WeightExtent> extents, float gainOffset)
    {
        (_shape, _gainOffset) = (shape, gainOffset);
        try
        {
            foreach (var extent in extents)
            {
                _mapped.Add((extent, store.Map(extent.Part, extent.Offset, extent.Length)));
            }
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>A whole tensor as a matrix.</summary>
    public WeightMatrix Matrix(StoredTensor tensor) => Rows(tensor, 0, (int)tensor.Info.Shape[^2]);

    /// <summary>A vector, widened; empty for null.</summary>
    public ReadOnlyMemory<float> Vector(StoredTensor? tensor) => tensor is null ? default : Widen(tensor);

    /// <summary>The gain of a norm, widened; empty for null.</summary>
    public ReadOnlyMemory<float> Gain(StoredTensor? tensor)
    {
        if (tensor is null)
        {
            return default;
        }

        float[] gain = Widen(tensor);
        foreach (ref float value in gain.AsSpan())
        {
            value += _gainOffset;
        }

        return gain;
    }

    /// <summary>The weights of a layer.</summary>
    public LayerWeights Layer(ChosenLayer layer)
    {
        int query = _shape.QuerySize;
        int keyValue = _shape.KeyValueSize;
        var fused = layer[LayerTensor.QueryKeyValue];
        var fusedBias = Vector(layer[LayerTensor.QueryKeyValueBias]);
        var gateUp = layer[LayerTensor.GateUp];
        return new LayerWeights
        {
            AttentionNorm = Gain(layer[LayerTensor.AttentionNorm]),
            AttentionNormBias = Vector(layer[LayerTensor.AttentionNormBias]),
            Query = fused is null ? Matrix(layer[LayerTensor.Query]!) : Rows(fused, 0, query),
            Key = fused is null ? Matrix(layer[LayerTensor.Key]!) : Rows(fused, query, keyValue),
            Value = fused is null ? Matrix(layer[LayerTensor.Value]!) : Rows(fused, query + keyValue, keyValue),
            AttentionOutput = Matrix(layer[LayerTensor.AttentionOutput]!),
            QueryBias = fusedBias.IsEmpty ? Vector(layer[LayerTensor.QueryBias]) : fusedBias[..query],
            KeyBias = fusedBias.IsEmpty ? Vector(layer[LayerTensor.KeyBias]) : fusedBias.Slice(query, keyValue),
            ValueBias = fusedBias.IsEmpty ? Vector(layer[LayerTensor.ValueBias]) : fusedBias.Slice(query + keyValue, keyValue),
            AttentionOutputBias = Vector(layer[LayerTensor.AttentionOutputBias]),
            AttentionPostNorm = Gain(layer[LayerTensor.AttentionPostNorm]),
            QueryNorm = Gain(layer[LayerTensor.QueryNorm]),
            KeyNorm = Gain(layer[LayerTensor.KeyNorm]),
            FeedForwardNorm = Gain(layer[LayerTensor.FeedForwardNorm]),
            FeedForwardNormBias = Vector(layer[LayerTensor.FeedForwardNormBias]),
            Gate = gateUp is null ? Optional(layer[LayerTensor.Gate]) : Rows(gateUp, 0, _shape.FeedForwardSize),
            Up = gateUp is null ? Optional(layer[LayerTensor.Up]) : Rows(gateUp, _shape.FeedForwardSize, _shape.FeedForwardSize),
            Down = Optional(layer[LayerTensor.Down]),
            UpBias = Vector(layer[LayerTensor.UpBias]),
            DownBias = Vector(layer[LayerTensor.DownBias]),
            FeedForwardPostNorm = Gain(layer[LayerTensor.FeedForwardPostNorm]),
            Router = Optional(layer[LayerTensor.Router]),
            Experts = [.. Enumerable.Range(0, layer.ExpertCount).Select(expert => Expert(layer, expert))],
        };
    }

    /// <summary>Hands the regions that matrices lie in to the weights; those of vectors alone have done their work.</summary>
    public ModelWeights Detach(LayerRange range, LayerWeights[] layers, WeightMatrix? tokenEmbedding, WeightMatrix? positionEmbedding, HeadWeights? head)
    {
        var kept = _mapped.FindAll(entry => _lent.Contains(entry.Region));
        _mapped.RemoveAll(entry => _lent.Contains(entry.Region));
        return new ModelWeights(
            range, layers, tokenEmbedding, head, kept.Sum(entry => entry.Extent.Length), [.. kept.Select(entry => entry.Region)], _homes)
        {
            PositionEmbedding = positionEmbedding,
            Extents = [.. kept.Select(entry => entry.Extent)],
        };
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var (_, region) in _mapped)
        {
            region.Dispose();
        }
    }

    private ExpertWeights Expert(ChosenLayer layer, int expert)
    {
        int width = _shape.Experts!.FeedForwardSize;
        return new(Of(LayerTensor.ExpertGate, width), Of(LayerTensor.ExpertUp, width), Of(LayerTensor.ExpertDown, _shape.HiddenSize));

        WeightMatrix Of(LayerTensor tensor, int rows) =>
            layer.OfExperts(tensor) is { } own ? Matrix(own[expert]) : Rows(layer[tensor]!, (long)expert * rows, rows);
    }

    private WeightMatrix? Optional(StoredTensor? tensor) => tensor is null ? null : Matrix(tensor);

    private WeightMatrix Rows(StoredTensor tensor, long first, int count)
    {
        var (extent, region) = Find(tensor);
        _lent.Add(region);
        var type = tensor.Type!.Value;
        int columns = (int)tensor.Info.Shape[^1];
        long offset = tensor.Offset - extent.Offset + (first * Kernels.Formats.BlockFormat.Of(type).RowBytes(columns));
        var matrix = new WeightMatrix(region, offset, type, count, columns);
        _homes.Add(matrix, region);
        return matrix;
    }

    private float[] Widen(StoredTensor tensor)
    {
        var (extent, region) = Find(tensor);
        return FloatVector.Widen(region.Borrow(tensor.Offset - extent.Offset, (int)tensor.Info.ByteLength), tensor.Type!.Value, (int)tensor.Info.Shape[^1]);
    }

    private (WeightExtent Extent, MemoryRegion Region) Find(StoredTensor tensor) => _mapped.Find(entry => entry.Extent.Contains(tensor));
}
