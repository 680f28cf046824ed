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
/// All of them are decoders with a norm before attention and one before the feed-forward block. What a row doesn't say is as in llama:
/// root-mean-square norms, rotary embedding, grouped-query attention, a SiLU-gated feed-forward block. A new architecture of that
/// family is a new row.
/// </remarks>
internal sealed record Architecture
{
    /// <summary>Value of <c>general.architecture</c> and prefix of its keys in GGUF.</summary>
    public required string Name { get; init; }

    /// <summary>Entry of <c>architectures</c> in a Hugging Face configuration; null where such files aren't read.</summary>
    public required string? HuggingFaceName { get; init; }

    /// <summary>Rotated pairs in GGUF files; Hugging Face files always have <see cref="RopeLayout.Halves"/>.</summary>
    public required RopeLayout GgufRopeLayout { get; init; }

    /// <summary>Biases of query, key and value.</summary>
    public Presence QueryKeyValueBias { get; init; }

    /// <summary>Bias of the attention output.</summary>
    public Presence AttentionOutputBias { get; init; }

    /// <summary>Norms of each query and key head.</summary>
    public Presence HeadNorms { get; init; }

    /// <summary>Kind of the norms.</summary>
    public NormKind Norm { get; init; }

    /// <summary>Activation of the feed-forward block.</summary>
    public ActivationKind Activation { get; init; }

    /// <summary>Whether query, key and value are one matrix.</summary>
    public bool FusedQueryKeyValue { get; init; }

    /// <summary>Whether gate and up are one matrix.</summary>
    public bool FusedGateUp { get; init; }

    /// <summary>Whether what a block adds is normed first (Gemma Team 2024, section 2).</summary>
    public bool PostNorms { get; init; }

    /// <summary>Whether positions are learned vectors added to the embedding, in place of a rotary embedding.</summary>
    public bool LearnedPositions { get; init; }

    /// <summary>Biases of the feed-forward block.</summary>
    public bool FeedForwardBiases { get; init; }

    /// <summary>Mixture of experts in place of the feed-forward block.</summary>
    public Presence Experts { get; init; }

    /// <summary>Whether embeddings are multiplied by the root of the hidden size.</summary>
    public bool ScaledEmbedding { get; init; }

    /// <summary>As <see cref="AttentionWindow.Period"/>, for models with a window.</summary>
    public int WindowPeriod { get; init; } = 1;

    /// <summary>Whether a GGUF file's sliding window counts.</summary>
    /// <remarks>Converters have written it for models without, so llama.cpp looks at it for few architectures; this is its choice.</remarks>
    public bool GgufWindow { get; init; }

    /// <summary>What is added to every gain in Hugging Face files: some keep the difference from one.</summary>
    public float HuggingFaceGainOffset { get; init; }

    /// <summary>Names in Hugging Face files that differ from those in <see cref="LayerTensorFacts"/>.</summary>
    public IReadOnlyDictionary<LayerTensor, string> HuggingFaceNames { get; init; } = new Dictionary<LayerTensor, string>();

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
            Experts = Presence.Optional,
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
        new()
        {
            Name = "llama",
            HuggingFaceName = "MixtralForCausalLM",
            GgufRopeLayout = RopeLayout.Interleaved,
            Experts = Presence.Always,
            Window = WindowRule.Always,
            HuggingFaceNames = new Dictionary<LayerTensor, string>
            {
                [LayerTensor.Router] = "block_sparse_moe.gate.weight",
                [LayerTensor.ExpertGate] = "block_sparse_moe.experts.{0}.w1.weight",
                [LayerTensor.ExpertDown] = "block_sparse_moe.experts.{0}.w2.weight",
                [LayerTensor.ExpertUp] = "block_sparse_moe.experts.{0}.w3.weight",
            },
        },
        new()
        {
            Name = "qwen3moe",
            HuggingFaceName = "Qwen3MoeForCausalLM",
            GgufRopeLayout = RopeLayout.Halves,
            AttentionOutputBias = Presence.Optional,
            QueryKeyValueBias = Presence.Optional,
            HeadNorms = Presence.Always,
            Experts = Presence.Always,
            Window = WindowRule.WhenAsked,
        },
        new()
        {
            Name = "phi3",
            HuggingFaceName = "Phi3ForCausalLM",
            GgufRopeLayout = RopeLayout.Halves,
            FusedQueryKeyValue = true,
            FusedGateUp = true,
            Window = WindowRule.Always,
        },
        new()
        {
            Name = "gemma2",
            HuggingFaceName = "Gemma2ForCausalLM",
            GgufRopeLayout = RopeLayout.Halves,
            Activation = ActivationKind.GeluGated,
            PostNorms = true,
            ScaledEmbedding = true,
            Window = WindowRule.Always,
            GgufWindow = true,
            WindowPeriod = 2,
            HuggingFaceGainOffset = 1f,
            HuggingFaceNames = new Dictionary<LayerTensor, string> { [LayerTensor.FeedForwardNorm] = "pre_feedforward_layernorm.weight" },
        },
        new()
        {
            Name = "gpt2",
            HuggingFaceName = null,
            GgufRopeLayout = RopeLayout.Halves,
            Norm = NormKind.Layer,
            Activation = ActivationKind.Gelu,
            FusedQueryKeyValue = true,
            LearnedPositions = true,
            FeedForwardBiases = true,
            QueryKeyValueBias = Presence.Always,
            AttentionOutputBias = Presence.Always,
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
        ?? throw Unknown(source, name, All.Select(row => row.HuggingFaceName).OfType<string>());

    /// <summary>Whether a model of the architecture has a tensor of a layer.</summary>
    /// <param name="tensor">The tensor.</param>
    /// <param name="shape">Shape of the model.</param>
    public Presence PresenceOf(LayerTensor tensor, ModelShape shape) => tensor switch
    {
        LayerTensor.Query or LayerTensor.Key or LayerTensor.Value => When(!FusedQueryKeyValue),
        LayerTensor.QueryKeyValue => When(FusedQueryKeyValue),
        LayerTensor.QueryBias or LayerTensor.KeyBias or LayerTensor.ValueBias => FusedQueryKeyValue ? Presence.Never : QueryKeyValueBias,
        LayerTensor.QueryKeyValueBias => FusedQueryKeyValue ? QueryKeyValueBias : Presence.Never,
        LayerTensor.AttentionOutputBias => AttentionOutputBias,
        LayerTensor.QueryNorm or LayerTensor.KeyNorm => HeadNorms,
        LayerTensor.AttentionNormBias or LayerTensor.FeedForwardNormBias => When(Norm == NormKind.Layer),
        LayerTensor.AttentionPostNorm or LayerTensor.FeedForwardPostNorm => When(PostNorms),
        LayerTensor.Gate => When(shape.Experts is null && !FusedGateUp && Activation != ActivationKind.Gelu),
        LayerTensor.Up => When(shape.Experts is null && !FusedGateUp),
        LayerTensor.GateUp => When(shape.Experts is null && FusedGateUp),
        LayerTensor.Down => When(shape.Experts is null),
        LayerTensor.UpBias or LayerTensor.DownBias => When(FeedForwardBiases),
        LayerTensor.Router or LayerTensor.ExpertGate or LayerTensor.ExpertUp or LayerTensor.ExpertDown => When(shape.Experts is not null),
        _ => Presence.Always,
    };

    private static Presence When(bool present) => present ? Presence.Always : Presence.Never;

    private static ModelException Unknown(string source, string name, IEnumerable<string> supported) => new(
        ModelFault.Unsupported, $"{source}: architecture '{name}' isn't supported; supported are {string.Join(", ", supported)}.");
}
