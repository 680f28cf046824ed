using System.Text.Json.Nodes;
using NativeSplit.Testing;

namespace NativeSplit.Model.Tests.Files.HuggingFace;

/// <summary>A directory with a small Hugging Face model of zeros: hidden 32, 4 heads of 8 with 2 for keys, 1 layer, vocabulary 16.</summary>
internal sealed class HuggingFaceFolder : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public HuggingFaceFolder(string architecture = "LlamaForCausalLM")
    {
        Config = new JsonObject
        {
            ["architectures"] = new JsonArray(architecture),
            ["hidden_size"] = 32,
            ["intermediate_size"] = 48,
            ["num_hidden_layers"] = 1,
            ["num_attention_heads"] = 4,
            ["num_key_value_heads"] = 2,
            ["vocab_size"] = 16,
            ["max_position_embeddings"] = 64,
            ["rms_norm_eps"] = 1e-5,
        };
    }

    /// <summary>Content of config.json.</summary>
    public JsonObject Config { get; }

    /// <summary>Name of the file of weights.</summary>
    public string WeightsName { get; set; } = "model.safetensors";

    /// <summary>The weights, tied head.</summary>
    public SafetensorsBuilder Weights { get; } = new SafetensorsBuilder()
        .AddZeros("model.embed_tokens.weight", 16, 32)
        .AddZeros("model.norm.weight", 32)
        .AddZeros("model.layers.0.input_layernorm.weight", 32)
        .AddZeros("model.layers.0.self_attn.q_proj.weight", 32, 32)
        .AddZeros("model.layers.0.self_attn.k_proj.weight", 16, 32)
        .AddZeros("model.layers.0.self_attn.v_proj.weight", 16, 32)
        .AddZeros("model.layers.0.self_attn.o_proj.weight", 32, 32)
        .AddZeros("model.layers.0.post_attention_layernorm.weight", 32)
        .AddZeros("model.layers.0.mlp.gate_proj.weight", 48, 32)
        .AddZeros("model.layers.0.mlp.up_proj.weight", 48, 32)
        .AddZeros("model.layers.0.mlp.down_proj.weight", 32, 48);

    /// <summary>Its path.</summary>
    public string Path => _folder.Path;

    /// <summary>Writes another file.</summary>
    public void Write(string name, string content) => _folder.Write(name, content);

    /// <summary>Writes another file.</summary>
    public void Write(string name, byte[] content) => _folder.Write(name, content);

    /// <summary>Writes config.json and the weights, and opens the directory.</summary>
    public Model.Files.ModelFile Open()
    {
        Write("config.json", Config.ToJsonString());
        Write(WeightsName, Weights.Build());
        return Model.Files.ModelFile.Open(Path);
    }

    /// <summary>Opens and expects an error that names all of these.</summary>
    public void ExpectOnOpen(ModelFault fault, params string[] named)
    {
        var error = Assert.Throws<ModelException>(Open);

        Assert.Equal(fault, error.Fault);
        Assert.All(named.Append(Path), part => Assert.Contains(part, error.Message, StringComparison.Ordinal));
    }

    public void Dispose() => _folder.Dispose();
}
