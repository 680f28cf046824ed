using NativeSplit.Kernels.Formats;

namespace NativeSplit.ModelMaker;

/// <summary>Which block format each matrix of a model gets.</summary>
internal sealed record TypeMixture
{
    /// <summary>Name on the command line, as llama-quantize spells it.</summary>
    public required string Name { get; init; }

    /// <summary>GGUF's <c>general.file_type</c>; for people only.</summary>
    public required uint FileType { get; init; }

    /// <summary>Format of a matrix unless it is one of the next.</summary>
    public required WeightType Most { get; init; }

    /// <summary>Format of the LM head.</summary>
    public WeightType? Output { get; init; }

    /// <summary>Format of <c>attn_v</c> and <c>ffn_down</c> in about half of the layers.</summary>
    public WeightType? Favoured { get; init; }

    /// <summary>The mixtures there are. Those with a mixed head are what llama-quantize writes; <c>-pure</c> has one format throughout.</summary>
    public static IReadOnlyList<TypeMixture> All { get; } =
    [
        new() { Name = "F32", FileType = 0, Most = WeightType.F32 },
        new() { Name = "F16", FileType = 1, Most = WeightType.F16 },
        new() { Name = "Q8_0", FileType = 7, Most = WeightType.Q8_0 },
        new() { Name = "Q4_0", FileType = 2, Most = WeightType.Q4_0, Output = WeightType.Q6_K },
        new() { Name = "Q4_0-pure", FileType = 2, Most = WeightType.Q4_0 },
        new() { Name = "Q4_K_M", FileType = 15, Most = WeightType.Q4_K, Output = WeightType.Q6_K, Favoured = WeightType.Q6_K },
        new() { Name = "Q4_K-pure", FileType = 14, Most = WeightType.Q4_K },
        new() { Name = "Q6_K", FileType = 18, Most = WeightType.Q6_K },
    ];

    /// <summary>Format of a matrix of a layer.</summary>
    /// <param name="tensor">Its name without the layer.</param>
    /// <param name="layer">The layer.</param>
    /// <param name="layers">Layers of the model.</param>
    public WeightType OfLayer(string tensor, int layer, int layers) =>
        tensor is "attn_v.weight" or "ffn_down.weight" && IsFavoured(layer, layers) ? Favoured ?? Most : Most;

    // llama-quantize's use_more_bits: the first and last eighth of the layers, and every third between.
    private static bool IsFavoured(int layer, int layers) =>
        layer < layers / 8 || layer >= 7 * layers / 8 || (layer - (layers / 8)) % 3 == 2;
}
