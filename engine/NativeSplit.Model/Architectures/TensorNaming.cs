using System.Globalization;

namespace NativeSplit.Model.Architectures;

/// <summary>How one file format names tensors.</summary>
internal sealed class TensorNaming
{
    private readonly string _layerPrefix;
    private readonly Func<Architecture, LayerTensorFacts, string?> _layerName;
    private readonly string[] _ignored;

    private TensorNaming(string layerPrefix, Func<Architecture, LayerTensorFacts, string?> layerName, params string[] ignored)
    {
        _layerPrefix = layerPrefix;
        _layerName = layerName;
        _ignored = ignored;
    }

    /// <summary>Names in GGUF files.</summary>
    public static TensorNaming Gguf { get; } = new("blk.", (_, facts) => facts.GgufName, "attn_rot_embd")
    {
        FormatName = "gguf",
        TokenEmbedding = "token_embd.weight",
        FinalNorm = "output_norm.weight",
        Output = "output.weight",
        RopeFrequencies = "rope_freqs.weight",
        FinalNormBias = "output_norm.bias",
        PositionEmbedding = "position_embd.weight",
        StacksExperts = true,
    };

    /// <summary>Names in Hugging Face files.</summary>
    public static TensorNaming HuggingFace { get; } = new(
        "model.layers.", (architecture, facts) => architecture.HuggingFaceNames.GetValueOrDefault(facts.Tensor) ?? facts.HuggingFaceName, "self_attn.rotary_emb.inv_freq")
    {
        FormatName = "huggingface",
        TokenEmbedding = "model.embed_tokens.weight",
        FinalNorm = "model.norm.weight",
        Output = "lm_head.weight",
        RopeFrequencies = null,
        FinalNormBias = null,
        PositionEmbedding = null,
        StacksExperts = false,
    };

    /// <summary>Name of the format.</summary>
    public required string FormatName { get; init; }

    /// <summary>The naming of a format.</summary>
    /// <exception cref="ModelException">There is no such format.</exception>
    public static TensorNaming OfFormat(string name, string source) =>
        name == Gguf.FormatName ? Gguf
        : name == HuggingFace.FormatName ? HuggingFace
        : throw new ModelException(ModelFault.Unsupported, $"{source}: the format '{name}' isn't known here; update this program.");

    /// <summary>What the format calls an architecture.</summary>
    public string NameOf(Architecture architecture) => this == Gguf ? architecture.Name : architecture.HuggingFaceName!;

    /// <summary>Finds the architecture by what the format calls it.</summary>
    /// <exception cref="ModelException">It isn't supported.</exception>
    public Architecture Find(string name, string source) => this == Gguf ? Architecture.OfGguf(name, source) : Architecture.OfHuggingFace(name, source);

    /// <summary>The token embedding.</summary>
    public required string TokenEmbedding { get; init; }

    /// <summary>Gain of the final norm.</summary>
    public required string FinalNorm { get; init; }

    /// <summary>The LM head; missing when tied to the embedding.</summary>
    public required string Output { get; init; }

    /// <summary>Divisors of the rotary frequencies; null where the format has no such tensor.</summary>
    public required string? RopeFrequencies { get; init; }

    /// <summary>Bias of the final norm; null where the format has no such tensor.</summary>
    public required string? FinalNormBias { get; init; }

    /// <summary>Learned positions; null where the format has no such tensor.</summary>
    public required string? PositionEmbedding { get; init; }

    /// <summary>Whether the matrices of all experts are one tensor.</summary>
    public required bool StacksExperts { get; init; }

    /// <summary>Name of a tensor of a layer; null where the format has none.</summary>
    /// <param name="architecture">Architecture of the model.</param>
    /// <param name="tensor">The tensor.</param>
    /// <param name="layer">The layer.</param>
    /// <param name="expert">The expert, for tensors of one.</param>
    public string? Of(Architecture architecture, LayerTensor tensor, int layer, int expert = 0)
    {
        string? name = _layerName(architecture, LayerTensorFacts.All[(int)tensor]);
        return name is null
            ? null
            : string.Create(CultureInfo.InvariantCulture, $"{_layerPrefix}{layer}.{name.Replace("{0}", expert.ToString(CultureInfo.InvariantCulture), StringComparison.Ordinal)}");
    }

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

    /// <summary>True for a tensor of the ends that the forward pass of an architecture knows.</summary>
    public bool IsKnownEnd(Architecture architecture, string name) =>
        name == TokenEmbedding || name == FinalNorm || name == Output
        || (name == RopeFrequencies && !architecture.LearnedPositions)
        || (name == FinalNormBias && architecture.Norm == NormKind.Layer)
        || (name == PositionEmbedding && architecture.LearnedPositions);
}
