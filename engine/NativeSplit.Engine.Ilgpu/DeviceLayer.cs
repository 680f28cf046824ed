using System.Globalization;
using NativeSplit.Kernels;
using NativeSplit.Kernels.Ilgpu;
using NativeSplit.Model;
using NativeSplit.Model.Weights;

namespace NativeSplit.Engine.Ilgpu;

/// <summary>The weights and the KV cache of one layer, on a device. Everything is lent by the device's memory.</summary>
internal sealed class DeviceLayer
{
    private readonly DeviceMemory _memory;
    private readonly string _name;

    /// <summary>Uploads a layer.</summary>
    /// <param name="shape">Shape of the model.</param>
    /// <param name="weights">The layer.</param>
    /// <param name="layer">Its number in the model, for messages.</param>
    /// <param name="pages">Pages of the KV cache.</param>
    /// <param name="memory">Where to; lent.</param>
    /// <param name="rotary">Cosines and sines that all layers share.</param>
    public DeviceLayer(ModelShape shape, LayerWeights weights, int layer, int pages, DeviceMemory memory, DeviceRotary rotary)
    {
        _memory = memory;
        _name = string.Create(CultureInfo.InvariantCulture, $"layer {layer}");
        AttentionNorm = memory.Upload(weights.AttentionNorm.Span, Purpose("attention norm"));
        Query = Matrix(weights.Query, "query");
        Key = Matrix(weights.Key, "key");
        Value = Matrix(weights.Value, "value");
        AttentionOutput = Matrix(weights.AttentionOutput, "attention output");
        QueryBias = Optional(weights.QueryBias, "query bias");
        KeyBias = Optional(weights.KeyBias, "key bias");
        ValueBias = Optional(weights.ValueBias, "value bias");
        AttentionOutputBias = Optional(weights.AttentionOutputBias, "attention output bias");
        FeedForwardNorm = memory.Upload(weights.FeedForwardNorm.Span, Purpose("feed-forward norm"));
        Gate = Matrix(weights.Gate!, "gate");
        Up = Matrix(weights.Up!, "up");
        Down = Matrix(weights.Down!, "down");
        Attention = new AttentionLayer
        {
            HeadCount = shape.HeadCount,
            KeyValueHeadCount = shape.KeyValueHeadCount,
            HeadSize = shape.HeadSize,
            Pairs = shape.Rope.Dimensions / 2,
            Interleaved = shape.Rope.Layout == RopeLayout.Interleaved,
            NormEpsilon = shape.NormEpsilon,
            QueryNorm = Optional(weights.QueryNorm, "query norm"),
            KeyNorm = Optional(weights.KeyNorm, "key norm"),
            Cosines = rotary.Cosines,
            Sines = rotary.Sines,
            Cache = memory.AllocateFloats(checked(pages * DevicePages.FloatsOf(shape)), Purpose("KV cache")),
        };
    }

    /// <summary>Gain before attention. Shape [hidden].</summary>
    public DeviceArray<float> AttentionNorm { get; }

    /// <summary>Shape [heads·headSize, hidden].</summary>
    public DeviceMatrix Query { get; }

    /// <summary>Shape [kvHeads·headSize, hidden].</summary>
    public DeviceMatrix Key { get; }

    /// <summary>Shape [kvHeads·headSize, hidden].</summary>
    public DeviceMatrix Value { get; }

    /// <summary>Shape [hidden, heads·headSize].</summary>
    public DeviceMatrix AttentionOutput { get; }

    /// <summary>Shape [heads·headSize], or null.</summary>
    public DeviceArray<float>? QueryBias { get; }

    /// <summary>Shape [kvHeads·headSize], or null.</summary>
    public DeviceArray<float>? KeyBias { get; }

    /// <summary>Shape [kvHeads·headSize], or null.</summary>
    public DeviceArray<float>? ValueBias { get; }

    /// <summary>Shape [hidden], or null.</summary>
    public DeviceArray<float>? AttentionOutputBias { get; }

    /// <summary>Norms per head, rotary tables and the KV cache.</summary>
    public AttentionLayer Attention { get; }

    /// <summary>Gain before the feed-forward block. Shape [hidden].</summary>
    public DeviceArray<float> FeedForwardNorm { get; }

    /// <summary>Shape [feedForward, hidden].</summary>
    public DeviceMatrix Gate { get; }

    /// <summary>Shape [feedForward, hidden].</summary>
    public DeviceMatrix Up { get; }

    /// <summary>Shape [hidden, feedForward].</summary>
    public DeviceMatrix Down { get; }

    private DeviceMatrix Matrix(WeightMatrix matrix, string part) => _memory.Upload(matrix, Purpose(part));

    private DeviceArray<float>? Optional(ReadOnlyMemory<float> vector, string part) => vector.IsEmpty ? null : _memory.Upload(vector.Span, Purpose(part));

    private string Purpose(string part) => $"{part} of {_name}";
}
