namespace NativeSplit.Model.Architectures;

/// <summary>Whether an architecture has a tensor.</summary>
internal enum Presence
{
    /// <summary>It doesn't; a file that has it can't be computed.</summary>
    Never,

    /// <summary>Where the file has it.</summary>
    Optional,

    /// <summary>It must be there.</summary>
    Always,
}

/// <summary>When a Hugging Face configuration's sliding window counts.</summary>
internal enum WindowRule
{
    /// <summary>The architecture has none.</summary>
    Ignored,

    /// <summary><c>sliding_window</c> counts unless it is null.</summary>
    Always,

    /// <summary><c>sliding_window</c> counts when <c>use_sliding_window</c> is true.</summary>
    WhenAsked,
}

/// <summary>What tells one supported architecture from the others: one row of a table.</summary>
/// <remarks>
/// All of them are decoders with root-mean-square norms before attention and feed-forward, rotary embedding,
/// grouped-query attention, and a SiLU-gated feed-forward block. A new architecture of that family is a new row.
/// </remarks>
internal sealed record Architecture
{
    /// <summary>Value of <c>general.architecture</c> and prefix of its keys in GGUF.</summary>
    public required string Name { get; init; }

    /// <summary>Entry of <c>architectures</c> in a Hugging Face configuration.</summary>
    public required string HuggingFaceName { get; init; }

    /// <summary>Rotated pairs in GGUF files; Hugging Face files always have <see cref="RopeLayout.Halves"/>.</summary>
    public required RopeLayout GgufRopeLayout { get; init; }

    /// <summary>Biases of query, key and value.</summary>
    public Presence QueryKeyValueBias { get; init; }

    /// <summary>Bias of the attention output.</summary>
    public Presence AttentionOutputBias { get; init; }

    /// <summary>Norms of each query and key head.</summary>
    public Presence HeadNorms { get; init; }

    /// <summary>Sliding window in Hugging Face configurations.</summary>
    public WindowRule Window { get; init; }

    /// <summary>The supported architectures. GGUF looks up the first with its name, Hugging Face the one with its name.</summary>
    public static IReadOnlyList<Architecture> All { get; } =
    [
        new()
        {
            Name = "llama",
            HuggingFaceName = "LlamaForCausalLM",
            GgufRopeLayout = RopeLayout.Interleaved,
            QueryKeyValueBias = Presence.Optional,
            AttentionOutputBias = Presence.Optional,
        },
        new()
        {
            Name = "llama",
            HuggingFaceName = "MistralForCausalLM",
            GgufRopeLayout = RopeLayout.Interleaved,
            Window = WindowRule.Always,
        },
        new()
        {
            Name = "qwen2",
            HuggingFaceName = "Qwen2ForCausalLM",
            GgufRopeLayout = RopeLayout.Halves,
            QueryKeyValueBias = Presence.Always,
            Window = WindowRule.WhenAsked,
        },
        new()
        {
            Name = "qwen3",
            HuggingFaceName = "Qwen3ForCausalLM",
            GgufRopeLayout = RopeLayout.Halves,
            QueryKeyValueBias = Presence.Optional,
            AttentionOutputBias = Presence.Optional,
            HeadNorms = Presence.Always,
            Window = WindowRule.WhenAsked,
        },
    ];

    /// <summary>Finds the architecture of a GGUF file.</summary>
    /// <exception cref="ModelException">It isn't supported.</exception>
    public static Architecture OfGguf(string name, string source) =>
        All.FirstOrDefault(row => row.Name == name)
        ?? throw Unknown(source, name, All.Select(row => row.Name).Distinct());

    /// <summary>Finds the architecture of a Hugging Face configuration.</summary>
    /// <exception cref="ModelException">It isn't supported.</exception>
    public static Architecture OfHuggingFace(string name, string source) =>
        All.FirstOrDefault(row => row.HuggingFaceName == name)
        ?? throw Unknown(source, name, All.Select(row => row.HuggingFaceName));

    /// <summary>Whether the architecture has a tensor of a layer.</summary>
    public Presence PresenceOf(LayerTensor tensor) => tensor switch
    {
        LayerTensor.QueryBias or LayerTensor.KeyBias or LayerTensor.ValueBias => QueryKeyValueBias,
        LayerTensor.AttentionOutputBias => AttentionOutputBias,
        LayerTensor.QueryNorm or LayerTensor.KeyNorm => HeadNorms,
        _ => Presence.Always,
    };

    private static ModelException Unknown(string source, string name, IEnumerable<string> supported) => new(
        ModelFault.Unsupported, $"{source}: architecture '{name}' isn't supported; supported are {string.Join(", ", supported)}.");
}
