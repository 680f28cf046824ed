namespace NativeSplit.Model.Architectures;

/// <summary>Every tensor a transformer layer may have, over all architectures.</summary>
internal enum LayerTensor
{
    AttentionNorm,
    Query,
    Key,
    Value,
    AttentionOutput,
    QueryBias,
    KeyBias,
    ValueBias,
    AttentionOutputBias,
    QueryNorm,
    KeyNorm,
    FeedForwardNorm,
    Gate,
    Up,
    Down,
    AttentionNormBias,
    FeedForwardNormBias,
    UpBias,
    DownBias,
    AttentionPostNorm,
    FeedForwardPostNorm,

    /// <summary>Query, key and value one above the other.</summary>
    QueryKeyValue,
    QueryKeyValueBias,

    /// <summary>Gate and up one above the other.</summary>
    GateUp,
    Router,

    /// <summary>Gates of all experts: one stacked tensor in GGUF, a tensor for each in Hugging Face files; so for the next two.</summary>
    ExpertGate,
    ExpertUp,
    ExpertDown,
}

/// <summary>Name and shape of one tensor of a layer.</summary>
/// <param name="Tensor">Which.</param>
/// <param name="GgufName">Name in GGUF after <c>blk.N.</c>.</param>
/// <param name="HuggingFaceName">Name in safetensors after <c>model.layers.N.</c>, unless the architecture has another; <c>{0}</c> stands for an expert. Null where no supported file has it.</param>
/// <param name="Shape">Shape that follows from the model's: [outputs, inputs] for a matrix, [length] for a vector. Of one expert.</param>
internal sealed record LayerTensorFacts(LayerTensor Tensor, string GgufName, string? HuggingFaceName, Func<ModelShape, long[]> Shape)
{
    /// <summary>Facts of every tensor, in the order of <see cref="LayerTensor"/>.</summary>
    public static IReadOnlyList<LayerTensorFacts> All { get; } =
    [
        new(LayerTensor.AttentionNorm, "attn_norm.weight", "input_layernorm.weight", shape => [shape.HiddenSize]),
        new(LayerTensor.Query, "attn_q.weight", "self_attn.q_proj.weight", shape => [shape.QuerySize, shape.HiddenSize]),
        new(LayerTensor.Key, "attn_k.weight", "self_attn.k_proj.weight", shape => [shape.KeyValueSize, shape.HiddenSize]),
        new(LayerTensor.Value, "attn_v.weight", "self_attn.v_proj.weight", shape => [shape.KeyValueSize, shape.HiddenSize]),
        new(LayerTensor.AttentionOutput, "attn_output.weight", "self_attn.o_proj.weight", shape => [shape.HiddenSize, shape.QuerySize]),
        new(LayerTensor.QueryBias, "attn_q.bias", "self_attn.q_proj.bias", shape => [shape.QuerySize]),
        new(LayerTensor.KeyBias, "attn_k.bias", "self_attn.k_proj.bias", shape => [shape.KeyValueSize]),
        new(LayerTensor.ValueBias, "attn_v.bias", "self_attn.v_proj.bias", shape => [shape.KeyValueSize]),
        new(LayerTensor.AttentionOutputBias, "attn_output.bias", "self_attn.o_proj.bias", shape => [shape.HiddenSize]),
        new(LayerTensor.QueryNorm, "attn_q_norm.weight", "self_attn.q_norm.weight", shape => [shape.HeadSize]),
        new(LayerTensor.KeyNorm, "attn_k_norm.weight", "self_attn.k_norm.weight", shape => [shape.HeadSize]),
        new(LayerTensor.FeedForwardNorm, "ffn_norm.weight", "post_attention_layernorm.weight", shape => [shape.HiddenSize]),
        new(LayerTensor.Gate, "ffn_gate.weight", "mlp.gate_proj.weight", shape => [shape.FeedForwardSize, shape.HiddenSize]),
        new(LayerTensor.Up, "ffn_up.weight", "mlp.up_proj.weight", shape => [shape.FeedForwardSize, shape.HiddenSize]),
        new(LayerTensor.Down, "ffn_down.weight", "mlp.down_proj.weight", shape => [shape.HiddenSize, shape.FeedForwardSize]),
        new(LayerTensor.AttentionNormBias, "attn_norm.bias", null, shape => [shape.HiddenSize]),
        new(LayerTensor.FeedForwardNormBias, "ffn_norm.bias", null, shape => [shape.HiddenSize]),
        new(LayerTensor.UpBias, "ffn_up.bias", null, shape => [shape.FeedForwardSize]),
        new(LayerTensor.DownBias, "ffn_down.bias", null, shape => [shape.HiddenSize]),
        new(LayerTensor.AttentionPostNorm, "post_attention_norm.weight", "post_attention_layernorm.weight", shape => [shape.HiddenSize]),
        new(LayerTensor.FeedForwardPostNorm, "post_ffw_norm.weight", "post_feedforward_layernorm.weight", shape => [shape.HiddenSize]),
        new(LayerTensor.QueryKeyValue, "attn_qkv.weight", "self_attn.qkv_proj.weight", shape => [shape.QuerySize + (2 * shape.KeyValueSize), shape.HiddenSize]),
        new(LayerTensor.QueryKeyValueBias, "attn_qkv.bias", null, shape => [shape.QuerySize + (2 * shape.KeyValueSize)]),
        new(LayerTensor.GateUp, "ffn_up.weight", "mlp.gate_up_proj.weight", shape => [2L * shape.FeedForwardSize, shape.HiddenSize]),
        new(LayerTensor.Router, "ffn_gate_inp.weight", "mlp.gate.weight", shape => [shape.Experts!.Count, shape.HiddenSize]),
        new(LayerTensor.ExpertGate, "ffn_gate_exps.weight", "mlp.experts.{0}.gate_proj.weight", shape => [shape.Experts!.FeedForwardSize, shape.HiddenSize]),
        new(LayerTensor.ExpertUp, "ffn_up_exps.weight", "mlp.experts.{0}.up_proj.weight", shape => [shape.Experts!.FeedForwardSize, shape.HiddenSize]),
        new(LayerTensor.ExpertDown, "ffn_down_exps.weight", "mlp.experts.{0}.down_proj.weight", shape => [shape.HiddenSize, shape.Experts!.FeedForwardSize]),
    ];

    /// <summary>True for a tensor that there is one of for every expert.</summary>
    public bool IsOfExperts => Tensor is LayerTensor.ExpertGate or LayerTensor.ExpertUp or LayerTensor.ExpertDown;
}
