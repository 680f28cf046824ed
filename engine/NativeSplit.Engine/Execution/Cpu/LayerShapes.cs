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
        Matrix(layer.Gate, shape.FeedForwardSize, shape.HiddenSize, index, nameof(layer.Gate));
        Matrix(layer.Up, shape.FeedForwardSize, shape.HiddenSize, index, nameof(layer.Up));
        Matrix(layer.Down, shape.HiddenSize, shape.FeedForwardSize, index, nameof(layer.Down));
    }

    private static void Matrix(WeightMatrix matrix, int rows, int columns, int layer, string name)
    {
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
