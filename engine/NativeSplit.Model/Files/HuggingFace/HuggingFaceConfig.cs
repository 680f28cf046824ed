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
        RequireSupported(config);
        int context = Require(config, "max_position_embeddings");
        RequireNoWindow(config, architecture, context);
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
        };
        return new(architecture, ShapeRules.Require(shape, config.Source), config.Boolean("tie_word_embeddings") ?? false);
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

    private static void RequireSupported(JsonSection config)
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

        if (config.String("hidden_act") is { } activation and not ("silu" or "swish"))
        {
            throw Unsupported(config, $"'hidden_act' is '{activation}'; 'silu' is supported");
        }
    }

    private static void RequireNoWindow(JsonSection config, Architecture architecture, int context)
    {
        bool counts = architecture.Window switch
        {
            WindowRule.Always => true,
            WindowRule.WhenAsked => config.Boolean("use_sliding_window") ?? false,
            _ => false,
        };
        if (counts && config.Integer("sliding_window") is { } window && window < context)
        {
            throw Unsupported(
                config, $"attention has a sliding window of {window} positions ('sliding_window'), which isn't supported; the model is exact without it up to {window} positions: set 'max_position_embeddings' to {window}");
        }
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
