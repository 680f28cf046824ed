using System.Text.Json.Nodes;
using NativeSplit.Kernels;
using NativeSplit.Model.Files;
using NativeSplit.Model.Weights;
using NativeSplit.Testing;

namespace NativeSplit.Model.Tests.Files.HuggingFace;

/// <summary>Golden GGUF models written anew under Hugging Face's names give the same shape and the same weights.</summary>
[Collection(nameof(MappedMemoryCollection))]
public sealed class HuggingFaceArchitectureTests
{
    [Fact]
    public void Load_GivesTheWeightsOfTheGgufFile_ForPhi3()
    {
        var config = new JsonObject { ["architectures"] = new JsonArray("Phi3ForCausalLM"), ["sliding_window"] = 256 };
        RequireSame("phi3-f32", config, gainOffset: 0, new()
        {
            ["attn_norm"] = "input_layernorm",
            ["ffn_norm"] = "post_attention_layernorm",
            ["attn_qkv"] = "self_attn.qkv_proj",
            ["attn_output"] = "self_attn.o_proj",
            ["ffn_up"] = "mlp.gate_up_proj",
            ["ffn_down"] = "mlp.down_proj",
        });
    }

    [Fact]
    public void Load_GivesTheWeightsOfTheGgufFile_ForGemma2()
    {
        var config = new JsonObject
        {
            ["architectures"] = new JsonArray("Gemma2ForCausalLM"),
            ["sliding_window"] = 16,
            ["attn_logit_softcapping"] = 3.0,
            ["final_logit_softcapping"] = 6.0,
            ["query_pre_attn_scalar"] = 32,
            ["hidden_activation"] = "gelu_pytorch_tanh",
            ["head_dim"] = 32,
        };
        var shape = RequireSame("gemma2-f32", config, gainOffset: 1, new()
        {
            ["attn_norm"] = "input_layernorm",
            ["post_attention_norm"] = "post_attention_layernorm",
            ["ffn_norm"] = "pre_feedforward_layernorm",
            ["post_ffw_norm"] = "post_feedforward_layernorm",
            ["attn_q"] = "self_attn.q_proj",
            ["attn_k"] = "self_attn.k_proj",
            ["attn_v"] = "self_attn.v_proj",
            ["attn_output"] = "self_attn.o_proj",
            ["ffn_gate"] = "mlp.gate_proj",
            ["ffn_up"] = "mlp.up_proj",
            ["ffn_down"] = "mlp.down_proj",
        });
        Assert.Equal([16, int.MaxValue, 16, int.MaxValue], Enumerable.Range(0, 4).Select(shape.Window.Of));
        Assert.Equal((3f, 6f, MathF.Sqrt(128)), (shape.ScoreSoftCap, shape.LogitSoftCap, shape.EmbeddingScale));
    }

    [Fact]
    public void Load_GivesTheWeightsOfTheGgufFile_ForMixtral()
    {
        var config = new JsonObject
        {
            ["architectures"] = new JsonArray("MixtralForCausalLM"),
            ["num_local_experts"] = 4,
            ["num_experts_per_tok"] = 2,
            ["sliding_window"] = null,
        };
        var shape = RequireSame("mixtral-f32", config, gainOffset: 0, new()
        {
            ["attn_norm"] = "input_layernorm",
            ["ffn_norm"] = "post_attention_layernorm",
            ["attn_q"] = "self_attn.q_proj",
            ["attn_k"] = "self_attn.k_proj",
            ["attn_v"] = "self_attn.v_proj",
            ["attn_output"] = "self_attn.o_proj",
            ["ffn_gate_inp"] = "block_sparse_moe.gate",
            ["ffn_gate_exps"] = "block_sparse_moe.experts.{0}.w1",
            ["ffn_down_exps"] = "block_sparse_moe.experts.{0}.w2",
            ["ffn_up_exps"] = "block_sparse_moe.experts.{0}.w3",
        });
        Assert.Equal(new ExpertShape(4, 2, 96, NormalizeWeights: true), shape.Experts);
    }

    [Fact]
    public void Load_GivesTheWeightsOfTheGgufFile_ForExpertsAsQwen3MoeNamesThem()
    {
        var config = new JsonObject
        {
            ["architectures"] = new JsonArray("Qwen3MoeForCausalLM"),
            ["num_experts"] = 4,
            ["num_experts_per_tok"] = 2,
            ["moe_intermediate_size"] = 96,
            ["norm_topk_prob"] = true,
        };
        RequireSame("mixtral-f32", config, gainOffset: 0, new()
        {
            ["attn_norm"] = "input_layernorm",
            ["ffn_norm"] = "post_attention_layernorm",
            ["attn_q"] = "self_attn.q_proj",
            ["attn_k"] = "self_attn.k_proj",
            ["attn_v"] = "self_attn.v_proj",
            ["attn_output"] = "self_attn.o_proj",
            ["ffn_gate_inp"] = "mlp.gate",
            ["ffn_gate_exps"] = "mlp.experts.{0}.gate_proj",
            ["ffn_down_exps"] = "mlp.experts.{0}.down_proj",
            ["ffn_up_exps"] = "mlp.experts.{0}.up_proj",
        });
    }

    [Fact]
    public void Open_IsUnsupported_WhenOnlySomeLayersHaveExperts()
    {
        using var folder = new HuggingFaceFolder("Qwen3MoeForCausalLM");
        folder.Config["num_experts"] = 4;
        folder.Config["num_experts_per_tok"] = 2;
        folder.Config["moe_intermediate_size"] = 16;
        folder.Config["mlp_only_layers"] = new JsonArray(0);
        folder.ExpectOnOpen(ModelFault.Unsupported, "mlp_only_layers");
    }

    [Fact]
    public void Load_NamesTheExpert_WhenOneIsMissing()
    {
        using var folder = new HuggingFaceFolder("MixtralForCausalLM");
        folder.Config["num_local_experts"] = 2;
        folder.Config["num_experts_per_tok"] = 1;
        using var model = folder.Open();
        var error = Assert.Throws<ModelException>(() => model.Load(WeightSelection.LayersOnly(new(0, 1))));
        Assert.Contains("mlp.gate_proj", error.Message, StringComparison.Ordinal);
    }

    private static ModelShape RequireSame(string name, JsonObject config, float gainOffset, Dictionary<string, string> names)
    {
        using var gguf = ModelFile.Open(GoldenShape.PathOf(name));
        using var folder = new TemporaryFolder();
        var shape = gguf.Shape;
        config["hidden_size"] = shape.HiddenSize;
        config["intermediate_size"] = shape.FeedForwardSize;
        config["num_hidden_layers"] = shape.LayerCount;
        config["num_attention_heads"] = shape.HeadCount;
        config["num_key_value_heads"] = shape.KeyValueHeadCount;
        config["vocab_size"] = shape.VocabularySize;
        config["max_position_embeddings"] = shape.ContextLength;
        config["rms_norm_eps"] = shape.NormEpsilon;
        folder.Write("config.json", config.ToJsonString());
        var heads = shape.Architecture == "llama" && (string)config["architectures"]![0]! == "Qwen3MoeForCausalLM";
        folder.Write("model.safetensors", Rename(name, gguf, gainOffset, names, withHeadNorms: heads));

        using var own = ModelFile.Open(folder.Path);
        using var expected = gguf.Load(WeightSelection.Everything(shape));
        using var actual = own.Load(WeightSelection.Everything(own.Shape));
        Assert.Equal(shape.AttentionScale, own.Shape.AttentionScale);
        Assert.Equal(shape.Experts, own.Shape.Experts);
        RequireSame(expected.TokenEmbedding!, actual.TokenEmbedding!);
        RequireSame(expected.Head!.Output, actual.Head!.Output);
        RequireClose(expected.Head.Norm, actual.Head.Norm);
        foreach (var (left, right) in expected.Layers.Zip(actual.Layers))
        {
            Assert.Equal(left.Matrices.Count(), right.Matrices.Count());
            foreach (var (one, other) in left.Matrices.Zip(right.Matrices))
            {
                RequireSame(one, other);
            }

            RequireClose(left.AttentionNorm, right.AttentionNorm);
            RequireClose(left.FeedForwardNorm, right.FeedForwardNorm);
            RequireClose(left.AttentionPostNorm, right.AttentionPostNorm);
            RequireClose(left.FeedForwardPostNorm, right.FeedForwardPostNorm);
        }

        return own.Shape;
    }

    private static byte[] Rename(string name, ModelFile gguf, float gainOffset, Dictionary<string, string> names, bool withHeadNorms)
    {
        byte[] file = File.ReadAllBytes(GoldenShape.PathOf(name));
        var table = Model.Files.Gguf.GgufDirectory.Read(GoldenShape.PathOf(name)).Tensors;
        var builder = new SafetensorsBuilder();
        foreach (var tensor in table)
        {
            byte[] data = file[(int)tensor.Offset..(int)(tensor.Offset + tensor.ByteLength)];
            if (tensor.Shape.Count == 1)
            {
                data = [.. data.Chunk(4).SelectMany(element => BitConverter.GetBytes(BitConverter.ToSingle(element) - gainOffset))];
            }

            string[] parts = tensor.Name.Split('.');
            string own = parts[0] switch
            {
                "token_embd" => "model.embed_tokens.weight",
                "output_norm" => "model.norm.weight",
                "output" => "lm_head.weight",
                _ => $"model.layers.{parts[1]}.{names[parts[2]]}.weight",
            };
            if (!own.Contains("{0}", StringComparison.Ordinal))
            {
                builder.Add(own, "F32", [.. tensor.Shape], data);
                continue;
            }

            int experts = (int)tensor.Shape[0];
            for (int expert = 0; expert < experts; expert++)
            {
                builder.Add(own.Replace("{0}", $"{expert}", StringComparison.Ordinal), "F32", [.. tensor.Shape.Skip(1)], data[(data.Length / experts * expert)..(data.Length / experts * (expert + 1))]);
            }
        }

        for (int layer = 0; layer < gguf.Shape.LayerCount && withHeadNorms; layer++)
        {
            builder.AddZeros($"model.layers.{layer}.self_attn.q_norm.weight", gguf.Shape.HeadSize);
            builder.AddZeros($"model.layers.{layer}.self_attn.k_norm.weight", gguf.Shape.HeadSize);
        }

        return builder.Build();
    }

    private static void RequireSame(WeightMatrix expected, WeightMatrix actual)
    {
        Assert.Equal((expected.Rows, expected.Columns), (actual.Rows, actual.Columns));
        for (int row = 0; row < expected.Rows; row++)
        {
            Assert.True(expected.BorrowRow(row).SequenceEqual(actual.BorrowRow(row)));
        }
    }

    // Taking the offset off and adding it again rounds twice.
    private static void RequireClose(ReadOnlyMemory<float> expected, ReadOnlyMemory<float> actual)
    {
        Assert.Equal(expected.Length, actual.Length);
        for (int i = 0; i < expected.Length; i++)
        {
            Assert.Equal(expected.Span[i], actual.Span[i], 3e-7f);
        }
    }
}
