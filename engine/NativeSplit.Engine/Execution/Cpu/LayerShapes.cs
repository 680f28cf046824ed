using NativeSplit.Kernels;
using NativeSplit.Model;
using NativeSplit.Model.Weights;

namespace NativeSplit.Engine.Execution.Cpu;

/// <summary>Checks once that weights have the shapes a model's shape asks for, so that the forward pass may trust them.</summary>
public static class LayerShapes
{
    /// <summary>Checks a shape and all layers of a range.</summary>
    /// <exception cref="ArgumentException">Something doesn't fit; the message names layer, weight and both shapes.</exception>
    public static void Check(ModelShape shape, ModelWeights weights)
    {
        if (shape.KeyValueHeadCount <= 0 || shape.HeadCount % shape.KeyValueHeadCount != 0)
        {
            throw new ArgumentException($"{shape.HeadCount} query heads can't share {shape.KeyValueHeadCount} key and value heads evenly.", nameof(shape));
        }

        int pairs = shape.Rope.Dimensions / 2;
        if (shape.Rope.Dimensions < 0 || shape.Rope.Dimensions > shape.HeadSize || shape.Rope.Dimensions % 2 != 0 ||
            (shape.Rope.FrequencyDivisors.Count != 0 && shape.Rope.FrequencyDivisors.Count != pairs))
        {
            throw new ArgumentException(
                $"Rotary embedding of {shape.Rope.Dimensions} elements with {shape.Rope.FrequencyDivisors.Count} divisors doesn't fit heads of {shape.HeadSize}.",
                nameof(shape));
        }

        if (weights.Range.End > shape.LayerCount || weights.Layers.Count != weights.Range.Count)
        {
            throw new ArgumentException($"{weights.Layers.Count} layers for range {weights.Range} of a model with {shape.LayerCount}.", nameof(weights));
        }

        for (int i = 0; i < weights.Layers.Count; i++)
        {
            CheckLayer(shape, weights.Layers[i], weights.Range.Start + i);
        }
    }

    private static void CheckLayer(ModelShape shape, LayerWeights layer, int index)
    {
        Vector(layer.AttentionNorm, shape.HiddenSize, index, nameof(layer.AttentionNorm));
        Matrix(layer.Query, shape.QuerySize, shape.HiddenSize, index, nameof(layer.Query));
        Matrix(layer.Key, shape.KeyValueSize, shape.HiddenSize, index, nameof(layer.Key));
        Matrix(layer.Value, shape.KeyValueSize, shape.HiddenSize, index, nameof(layer.Value));
        Matrix(layer.AttentionOutput, shape.HiddenSize, shape.QuerySize, index, nameof(layer.AttentionOutput));
        Optional(layer.QueryBias, shape.QuerySize, index, nameof(layer.QueryBias));
        Optional(layer.KeyBias, shape.KeyValueSize, index, nameof(layer.KeyBias));
        Optional(layer.ValueBias, shape.KeyValueSize, index, nameof(layer.ValueBias));
        Optional(layer.AttentionOutputBias, shape.HiddenSize, index, nameof(layer.AttentionOutputBias));
        Optional(layer.QueryNorm, shape.HeadSize, index, nameof(layer.QueryNorm));
        Optional(layer.KeyNorm, shape.HeadSize, index, nameof(layer.KeyNorm));
        Vector(layer.FeedForwardNorm, shape.HiddenSize, index, nameof(layer.FeedForwardNorm));
        Optional(layer.AttentionPostNorm, shape.HiddenSize, index, nameof(layer.AttentionPostNorm));
        Optional(layer.FeedForwardPostNorm, shape.HiddenSize, index, nameof(layer.FeedForwardPostNorm));
        int biases = shape.Norm == NormKind.Layer ? shape.HiddenSize : 0;
        Vector(layer.AttentionNormBias, biases, index, nameof(layer.AttentionNormBias));
        Vector(layer.FeedForwardNormBias, biases, index, nameof(layer.FeedForwardNormBias));
        if (shape.Experts is { } experts)
        {
            CheckExperts(shape, experts, layer, index);
            return;
        }

        if (shape.Activation != ActivationKind.Gelu)
        {
            Matrix(layer.Gate, shape.FeedForwardSize, shape.HiddenSize, index, nameof(layer.Gate));
        }

        Matrix(layer.Up, shape.FeedForwardSize, shape.HiddenSize, index, nameof(layer.Up));
        Matrix(layer.Down, shape.HiddenSize, shape.FeedForwardSize, index, nameof(layer.Down));
        Optional(layer.UpBias, shape.FeedForwardSize, index, nameof(layer.UpBias));
        Optional(layer.DownBias, shape.HiddenSize, index, nameof(layer.DownBias));
    }

    private static void CheckExperts(ModelShape shape, ExpertShape experts, LayerWeights layer, int index)
    {
        if (layer.Experts.Count != experts.Count || experts.PerToken < 1 || experts.PerToken > experts.Count)
        {
            throw new ArgumentException($"Layer {index} has {layer.Experts.Count} experts; the shape has {experts.Count}, {experts.PerToken} for each row.");
        }

        Matrix(layer.Router, experts.Count, shape.HiddenSize, index, nameof(layer.Router));
        foreach (var expert in layer.Experts)
        {
            Matrix(expert.Gate, experts.FeedForwardSize, shape.HiddenSize, index, nameof(expert.Gate));
            Matrix(expert.Up, experts.FeedForwardSize, shape.HiddenSize, index, nameof(expert.Up));
            Matrix(expert.Down, shape.HiddenSize, experts.FeedForwardSize, index, nameof(expert.Down));
        }
    }

    private static void Matrix(WeightMatrix? matrix, int rows, int columns, int layer, string name)
    {
        if (matrix is null)
        {
            throw new ArgumentException($"{name} of layer {layer} is missing; the shape asks for [{rows}, {columns}].");
        }

        if (matrix.Rows != rows || matrix.Columns != columns)
        {
            throw new ArgumentException($"{name} of layer {layer} has shape [{matrix.Rows}, {matrix.Columns}], expected [{rows}, {columns}].");
        }
    }

    private static void Vector(ReadOnlyMemory<float> vector, int length, int layer, string name)
    {
        if (vector.Length != length)
        {
            throw new ArgumentException($"{name} of layer {layer} has {vector.Length} elements, expected {length}.");
        }
    }

    private static void Optional(ReadOnlyMemory<float> vector, int length, int layer, string name)
    {
        if (!vector.IsEmpty)
        {
            Vector(vector, length, layer, name);
        }
    }
}
