using NativeSplit.Model.Architectures;

namespace NativeSplit.Model.Files.Gguf;

/// <summary>Reads a model's shape from GGUF metadata.</summary>
/// <param name="metadata">Keys and values.</param>
/// <param name="architecture">Architecture of the model; its name is the prefix of the keys.</param>
internal sealed class GgufShape(GgufMetadata metadata, Architecture architecture)
{
    /// <summary>Reads the shape.</summary>
    /// <param name="embeddingRows">Rows of the token embedding, for files that don't name the size of their vocabulary; null when there is none.</param>
    /// <param name="ropeFrequencies">Content of <c>rope_freqs.weight</c>, or empty.</param>
    /// <exception cref="ModelException">A key is missing, absurd, or asks for something unsupported.</exception>
    public ModelShape Read(long? embeddingRows, IReadOnlyList<float> ropeFrequencies)
    {
        int hidden = Require("embedding_length");
        int heads = Require("attention.head_count");
        int headSize = Find("attention.key_length") ?? DivideHidden(hidden, heads);
        int valueSize = Find("attention.value_length") ?? headSize;
        if (valueSize != headSize)
        {
            throw Unsupported($"'{Key("attention.value_length")}' is {valueSize} and the size of key heads {headSize}; they must be equal");
        }

        int feedForward = Require("feed_forward_length");
        int layers = Require("block_count");
        var shape = new ModelShape
        {
            Architecture = architecture.Name,
            LayerCount = layers,
            HiddenSize = hidden,
            HeadCount = heads,
            KeyValueHeadCount = Find("attention.head_count_kv") ?? heads,
            HeadSize = headSize,
            FeedForwardSize = feedForward,
            VocabularySize = ReadVocabularySize(embeddingRows),
            ContextLength = Require("context_length"),
            NormEpsilon = (float)RequireNumber(architecture.Norm == NormKind.Layer ? "attention.layer_norm_epsilon" : "attention.layer_norm_rms_epsilon"),
            Rope = architecture.LearnedPositions ? RopeParameters.None : ReadRope(headSize, ropeFrequencies),
            Norm = architecture.Norm,
            Activation = architecture.Activation,
            ScoreScale = IsGemma2Of27B(layers) ? (float)(1 / Math.Sqrt((double)hidden / heads)) : 0f,
            ScoreSoftCap = FindNumber("attn_logit_softcapping"),
            LogitSoftCap = FindNumber("final_logit_softcapping"),
            EmbeddingScale = architecture.ScaledEmbedding ? MathF.Sqrt(hidden) : 1f,
            Window = architecture.GgufWindow && Find("attention.sliding_window") is { } window ? new(window, architecture.WindowPeriod) : AttentionWindow.None,
            Experts = ReadExperts(feedForward),
        };
        return ShapeRules.Require(shape, metadata.Source);
    }

    // As llama.cpp: GGUF has no key for gemma2's scale of scores, and the model of 46 layers differs from the others.
    private bool IsGemma2Of27B(int layers) => architecture.Name == "gemma2" && layers == 46;

    private ExpertShape? ReadExperts(int feedForward)
    {
        bool found = metadata.TryGetInteger(Key("expert_count"), out long experts) && experts > 0;
        if (!found)
        {
            return architecture.Experts != Presence.Always ? null : throw Missing("expert_count");
        }

        return architecture.Experts != Presence.Never
            ? new(Require("expert_count"), Require("expert_used_count"), Find("expert_feed_forward_length") ?? feedForward, NormalizeWeights: true)
            : throw Unsupported($"it is a mixture of {experts} experts ('{Key("expert_count")}'), which a {architecture.Name} model isn't");
    }

    // Zero and absent mean the same.
    private float FindNumber(string suffix) => metadata.TryGetNumber(Key(suffix), out double value) ? (float)value : 0f;

    private RopeParameters ReadRope(int headSize, IReadOnlyList<float> ropeFrequencies)
    {
        int dimensions = Find("rope.dimension_count") ?? headSize;
        return new()
        {
            Layout = architecture.GgufRopeLayout,
            Dimensions = dimensions,
            FrequencyBase = metadata.TryGetNumber(Key("rope.freq_base"), out double frequencyBase) ? frequencyBase : 10000,
            FrequencyDivisors = RopeScaling.Combine(RopeScaling.Linear(ReadLinearFactor(), dimensions), ropeFrequencies),
        };
    }

    // As llama.cpp: without a type the factor is linear, and an old key may stand for it; a factor of 0 is none.
    private double ReadLinearFactor()
    {
        if (!metadata.TryGetString(Key("rope.scaling.type"), out string type))
        {
            type = "linear";
        }

        if (type == "none")
        {
            return 1;
        }

        if (type != "linear")
        {
            throw Unsupported($"rope scaling '{type}' ('{Key("rope.scaling.type")}') isn't supported; 'linear', 'none' and the llama-3 rule are");
        }

        bool found = metadata.TryGetNumber(Key("rope.scaling.factor"), out double factor)
            || metadata.TryGetNumber(Key("rope.scale_linear"), out factor);
        return found && factor != 0 ? factor : 1;
    }

    private int ReadVocabularySize(long? embeddingRows)
    {
        if (Find("vocab_size") is { } size)
        {
            return size;
        }

        if (embeddingRows is { } rows)
        {
            return ShapeRules.RequirePositive(rows, metadata.Source, "the number of rows of the token embedding", int.MaxValue);
        }

        return metadata.TryGetStrings("tokenizer.ggml.tokens", out var tokens) ? tokens.Count : throw Missing("vocab_size");
    }

    private int DivideHidden(int hidden, int heads) => hidden % heads == 0
        ? hidden / heads
        : throw new ModelException(
            ModelFault.Corrupt, $"{metadata.Source}: {hidden} hidden elements can't be shared by {heads} heads, and '{Key("attention.key_length")}' is missing. Convert the model again.");

    private string Key(string suffix) => $"{architecture.Name}.{suffix}";

    private int Require(string suffix) => Find(suffix) ?? throw Missing(suffix);

    // Some architectures write one value per layer; equal ones are as good as one.
    private int? Find(string suffix)
    {
        string key = Key(suffix);
        if (!metadata.TryGet(key, out var value))
        {
            return null;
        }

        if (value.Type == GgufValueType.Array && metadata.TryGetIntegers(key, out var values) && values.Count > 0)
        {
            return values.Distinct().Count() == 1
                ? ShapeRules.RequirePositive(values[0], metadata.Source, $"key '{key}'", int.MaxValue)
                : throw Unsupported($"'{key}' varies from layer to layer");
        }

        metadata.TryGetInteger(key, out long number);
        return ShapeRules.RequirePositive(number, metadata.Source, $"key '{key}'", int.MaxValue);
    }

    private double RequireNumber(string suffix) => metadata.TryGetNumber(Key(suffix), out double value) ? value : throw Missing(suffix);

    private ModelException Missing(string suffix) => new(
        ModelFault.Corrupt, $"{metadata.Source}: key '{Key(suffix)}' is missing. Convert the model again with a current tool.");

    private ModelException Unsupported(string what) => new(ModelFault.Unsupported, $"{metadata.Source}: {what}.");
}
