using System.Globalization;

namespace NativeSplit.Model.Architectures;

/// <summary>How one file format names tensors.</summary>
internal sealed class TensorNaming
{
    private readonly string _layerPrefix;
    private readonly Func<LayerTensorFacts, string> _layerName;
    private readonly string[] _ignored;

    private TensorNaming(string layerPrefix, Func<LayerTensorFacts, string> layerName, params string[] ignored)
    {
        _layerPrefix = layerPrefix;
        _layerName = layerName;
        _ignored = ignored;
    }

    /// <summary>Names in GGUF files.</summary>
    public static TensorNaming Gguf { get; } = new("blk.", facts => facts.GgufName, "attn_rot_embd")
    {
        TokenEmbedding = "token_embd.weight",
        FinalNorm = "output_norm.weight",
        Output = "output.weight",
        RopeFrequencies = "rope_freqs.weight",
    };

    /// <summary>Names in Hugging Face files.</summary>
    public static TensorNaming HuggingFace { get; } = new("model.layers.", facts => facts.HuggingFaceName, "self_attn.rotary_emb.inv_freq")
    {
        TokenEmbedding = "model.embed_tokens.weight",
        FinalNorm = "model.norm.weight",
        Output = "lm_head.weight",
        RopeFrequencies = null,
    };

    /// <summary>The token embedding.</summary>
    public required string TokenEmbedding { get; init; }

    /// <summary>Gain of the final norm.</summary>
    public required string FinalNorm { get; init; }

    /// <summary>The LM head; missing when tied to the embedding.</summary>
    public required string Output { get; init; }

    /// <summary>Divisors of the rotary frequencies; null where the format has no such tensor.</summary>
    public required string? RopeFrequencies { get; init; }

    /// <summary>Name of a tensor of a layer.</summary>
    public string Of(LayerTensor tensor, int layer) =>
        string.Create(CultureInfo.InvariantCulture, $"{_layerPrefix}{layer}.{_layerName(LayerTensorFacts.All[(int)tensor])}");

    /// <summary>Layer that a name belongs to, or null for the ends and for layers the model doesn't have.</summary>
    public int? LayerOf(string name, int layerCount)
    {
        if (!name.StartsWith(_layerPrefix, StringComparison.Ordinal))
        {
            return null;
        }

        ReadOnlySpan<char> rest = name.AsSpan(_layerPrefix.Length);
        int dot = rest.IndexOf('.');
        if (dot is < 1 or > 9 || (rest[0] == '0' && dot > 1)
            || !int.TryParse(rest[..dot], NumberStyles.None, CultureInfo.InvariantCulture, out int layer))
        {
            return null;
        }

        return layer < layerCount ? layer : null;
    }

    /// <summary>True for a tensor that files carry and nobody computes with.</summary>
    public bool IsIgnored(string name) => Array.Exists(_ignored, suffix => name.Contains(suffix, StringComparison.Ordinal));

    /// <summary>True for a tensor of the ends that the forward pass knows.</summary>
    public bool IsKnownEnd(string name) => name == TokenEmbedding || name == FinalNorm || name == Output || name == RopeFrequencies;
}
