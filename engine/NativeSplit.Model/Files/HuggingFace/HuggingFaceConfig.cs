using NativeSplit.Model.Architectures;

namespace NativeSplit.Model.Files.HuggingFace;

/// <summary>What <c>config.json</c> says.</summary>
/// <param name="Architecture">Architecture, its optional tensors settled by the file.</param>
/// <param name="Shape">Shape of the model.</param>
/// <param name="IsTied">Whether the head is the token embedding.</param>
internal sealed record HuggingFaceConfig(Architecture Architecture, ModelShape Shape, bool IsTied)
{
    /// <summary>Reads the configuration.</summary>
    /// <param name="config">Content of <c>config.json</c>.</param>
    /// <exception cref="ModelException">A key is missing or absurd, or asks for something unsupported.</exception>
    public static HuggingFaceConfig Read(JsonSection config)
    {
        var architecture = ReadArchitecture(config);
        RequireSupported(config, architecture);
        int context = Require(config, "max_position_embeddings");
        int hidden = Require(config, "hidden_size");
        int heads = Require(config, "num_attention_heads");
        int headSize = Find(config, "head_dim") ?? DivideHidden(config, hidden, heads);
        var shape = new ModelShape
        {
            Architecture = architecture.Name,
            LayerCount = Require(config, "num_hidden_layers"),
            HiddenSize = hidden,
            HeadCount = heads,
            KeyValueHeadCount = Find(config, "num_key_value_heads") ?? heads,
            HeadSize = headSize,
            FeedForwardSize = Require(config, "intermediate_size"),
            VocabularySize = Require(config, "vocab_size"),
            ContextLength = context,
            NormEpsilon = (float)(config.Number("rms_norm_eps") ?? 1e-6),
            Rope = HuggingFaceRope.Read(config, headSize),
            Norm = architecture.Norm,
            Activation = architecture.Activation,
            ScoreScale = config.Number("query_pre_attn_scalar") is { } scalar ? (float)(1 / Math.Sqrt(scalar)) : 0f,
            ScoreSoftCap = (float)(config.Number("attn_logit_softcapping") ?? 0),
            LogitSoftCap = (float)(config.Number("final_logit_softcapping") ?? 0),
            EmbeddingScale = architecture.ScaledEmbedding ? MathF.Sqrt(hidden) : 1f,
            Window = ReadWindow(config, architecture, context),
            Experts = ReadExperts(config, architecture),
        };

        // Gemma ties its head without saying so.
        return new(architecture, ShapeRules.Require(shape, config.Source), config.Boolean("tie_word_embeddings") ?? architecture.ScaledEmbedding);
    }

    private static Architecture ReadArchitecture(JsonSection config)
    {
        if (!config.TryGet("architectures", out var names) || names.ValueKind != System.Text.Json.JsonValueKind.Array
            || names.GetArrayLength() == 0 || names[0].ValueKind != System.Text.Json.JsonValueKind.String)
        {
            throw new ModelException(ModelFault.Corrupt, $"{config.Source}: 'architectures' is missing, so it isn't the configuration of a model. Name the directory of a model.");
        }

        var row = Architecture.OfHuggingFace(names[0].GetString()!, config.Source);
        bool biased = config.Boolean("attention_bias") ?? false;
        return row with
        {
            QueryKeyValueBias = Settle(row.QueryKeyValueBias, biased),
            AttentionOutputBias = Settle(row.AttentionOutputBias, biased),
        };
    }

    private static Presence Settle(Presence presence, bool present) =>
        presence != Presence.Optional ? presence : present ? Presence.Always : Presence.Never;

    private static ExpertShape? ReadExperts(JsonSection config, Architecture architecture)
    {
        if (architecture.Experts != Presence.Always)
        {
            return null;
        }

        // Mixtral names them one way and always divides the chosen weights by their sum; the others ask for it.
        if (Find(config, "num_local_experts") is { } experts)
        {
            return new(experts, Require(config, "num_experts_per_tok"), Require(config, "intermediate_size"), NormalizeWeights: true);
        }

        if ((config.Integer("decoder_sparse_step") ?? 1) != 1 || (config.TryGet("mlp_only_layers", out var dense) && dense.GetRawText() != "[]"))
        {
            throw Unsupported(config, "only some layers have experts ('decoder_sparse_step', 'mlp_only_layers'); all or none is supported");
        }

        return new(
            Require(config, "num_experts"), Require(config, "num_experts_per_tok"), Require(config, "moe_intermediate_size"), config.Boolean("norm_topk_prob") ?? false);
    }

    private static void RequireSupported(JsonSection config, Architecture architecture)
    {
        if (config.Section("quantization_config") is { } quantization)
        {
            string method = quantization.String("quant_method") ?? "an unnamed method";
            throw Unsupported(config, $"its weights are quantised with {method} ('quantization_config'); use the unquantised model, or a GGUF file of it");
        }

        if (config.Boolean("mlp_bias") ?? false)
        {
            throw Unsupported(config, "'mlp_bias' is true; biases in the feed-forward block aren't supported");
        }

        string[] activations = architecture.Activation == ActivationKind.SiluGated ? ["silu", "swish"] : ["gelu_pytorch_tanh"];
        string standard = config.String("hidden_activation") ?? config.String("hidden_act") ?? activations[0];
        if (!activations.Contains(standard, StringComparer.Ordinal))
        {
            throw Unsupported(config, $"'hidden_act' is '{standard}'; for this architecture '{activations[0]}' is supported");
        }
    }

    private static AttentionWindow ReadWindow(JsonSection config, Architecture architecture, int context)
    {
        bool counts = architecture.Window switch
        {
            WindowRule.Always => true,
            WindowRule.WhenAsked => config.Boolean("use_sliding_window") ?? false,
            _ => false,
        };
        if (!counts || Find(config, "sliding_window") is not { } window || window >= context)
        {
            return AttentionWindow.None;
        }

        return architecture.Window == WindowRule.Always
            ? new(window, architecture.WindowPeriod)
            : throw Unsupported(
                config, $"some layers have a sliding window of {window} positions ('sliding_window', 'max_window_layers'), which isn't supported for this architecture; the model is exact without it up to {window} positions: set 'use_sliding_window' to false and 'max_position_embeddings' to {window}");
    }

    private static int DivideHidden(JsonSection config, int hidden, int heads) => hidden % heads == 0
        ? hidden / heads
        : throw new ModelException(
            ModelFault.Corrupt, $"{config.Source}: 'hidden_size' {hidden} can't be shared by 'num_attention_heads' {heads}, and 'head_dim' is missing. Download the file again.");

    private static int Require(JsonSection config, string key) => Find(config, key)
        ?? throw new ModelException(ModelFault.Corrupt, $"{config.Source}: '{key}' is missing. Download the file again.");

    private static int? Find(JsonSection config, string key) => config.Integer(key) is { } value
        ? ShapeRules.RequirePositive(value, config.Source, $"'{key}'", int.MaxValue)
        : null;

    private static ModelException Unsupported(JsonSection config, string what) => new(ModelFault.Unsupported, $"{config.Source}: {what}.");
}
