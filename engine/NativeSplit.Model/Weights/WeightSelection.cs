namespace NativeSplit.Model.Weights;

/// <summary>What to load of a model.</summary>
/// <param name="Layers">Transformer layers; may be empty.</param>
/// <param name="Embedding">Also the token embedding.</param>
/// <param name="Head">Also the final norm and LM head.</param>
public readonly record struct WeightSelection(LayerRange Layers, bool Embedding, bool Head)
{
    /// <summary>The layers alone, as an untrusted worker holds them.</summary>
    public static WeightSelection LayersOnly(LayerRange layers) => new(layers, Embedding: false, Head: false);

    /// <summary>The whole model.</summary>
    public static WeightSelection Everything(ModelShape shape)
    {
        ArgumentNullException.ThrowIfNull(shape);
        return new(shape.AllLayers, Embedding: true, Head: true);
    }
}
