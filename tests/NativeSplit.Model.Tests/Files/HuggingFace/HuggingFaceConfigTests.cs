using System.Text.Json.Nodes;
using NativeSplit.Model.Architectures;
using NativeSplit.Testing;

namespace NativeSplit.Model.Tests.Files.HuggingFace;

[Collection(nameof(MappedMemoryCollection))]
public sealed class HuggingFaceConfigTests
{
    [Theory]
    [InlineData("LlamaForCausalLM", "llama")]
    [InlineData("MistralForCausalLM", "llama")]
    [InlineData("Qwen2ForCausalLM", "qwen2")]
    [InlineData("Qwen3ForCausalLM", "qwen3")]
    public void Open_GivesTheShape_ForEveryArchitecture(string architecture, string name)
    {
        using var folder = new HuggingFaceFolder(architecture);
        folder.Config["head_dim"] = 16;
        using var model = folder.Open();

        var shape = model.Shape;
        Assert.Equal(name, shape.Architecture);
        Assert.Equal((1, 32, 4, 2, 16, 48, 16, 64), (shape.LayerCount, shape.HiddenSize, shape.HeadCount, shape.KeyValueHeadCount, shape.HeadSize, shape.FeedForwardSize, shape.VocabularySize, shape.ContextLength));
        Assert.Equal(1e-5f, shape.NormEpsilon);
        Assert.Equal((RopeLayout.Halves, 16, 10000.0), (shape.Rope.Layout, shape.Rope.Dimensions, shape.Rope.FrequencyBase));
    }

    [Fact]
    public void Open_IsUnsupportedAndListsTheSupported_ForAnotherArchitecture()
    {
        using var folder = new HuggingFaceFolder("GPTNeoXForCausalLM");

        folder.ExpectOnOpen(ModelFault.Unsupported, "GPTNeoXForCausalLM", "MistralForCausalLM", "Qwen3ForCausalLM");
    }

    // Rope parameters of Llama 3.1, whose divisors the model card's rule gives: none for short wavelengths, 8 for long ones.
    [Theory]
    [InlineData("rope_scaling")]
    [InlineData("rope_parameters")]
    public void Open_WorksOutTheLlama3Rule(string section)
    {
        using var folder = new HuggingFaceFolder();
        folder.Config[section] = JsonNode.Parse("""
            {"rope_type": "llama3", "rope_theta": 500000.0, "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0, "original_max_position_embeddings": 8192}
            """);
        folder.Config["head_dim"] = 128;
        using var model = folder.Open();

        var divisors = model.Shape.Rope.FrequencyDivisors;
        Assert.Equal(500000, model.Shape.Rope.FrequencyBase);
        Assert.Equal(64, divisors.Count);
        Assert.All(divisors.Take(29), divisor => Assert.Equal(1, divisor));
        Assert.All(divisors.Skip(35), divisor => Assert.Equal(8, divisor));
        Assert.Equal(divisors.Order(), divisors);
        Assert.InRange(divisors[30], 1.01f, 7.99f);
    }

    [Fact]
    public void Open_TakesLinearScaling_UnderItsOldName()
    {
        using var folder = new HuggingFaceFolder();
        folder.Config["rope_theta"] = 1000000;
        folder.Config["rope_scaling"] = JsonNode.Parse("""{"type": "linear", "factor": 4}""");
        using var model = folder.Open();

        Assert.Equal(1000000, model.Shape.Rope.FrequencyBase);
        Assert.Equal([4f, 4f, 4f, 4f], model.Shape.Rope.FrequencyDivisors);
    }

    [Theory]
    [InlineData("yarn")]
    [InlineData("dynamic")]
    [InlineData("longrope")]
    [InlineData("su")]
    public void Open_IsUnsupported_WhenScalingIsAnother(string type)
    {
        using var folder = new HuggingFaceFolder();
        folder.Config["rope_scaling"] = new JsonObject { ["type"] = type, ["factor"] = 4 };

        folder.ExpectOnOpen(ModelFault.Unsupported, $"'{type}'", "rope_scaling");
    }

    [Theory]
    [InlineData("""{"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0}""", "high_freq_factor")]
    [InlineData("""{"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0}""", "original_max_position_embeddings")]
    [InlineData("""{"rope_type": "linear"}""", "factor")]
    [InlineData("""{"rope_type": "linear", "factor": 0}""", "factor")]
    [InlineData("""{"rope_type": 3}""", "rope_type")]
    public void Open_NamesTheKey_WhenScalingIsIncomplete(string scaling, string key)
    {
        using var folder = new HuggingFaceFolder();
        folder.Config["rope_scaling"] = JsonNode.Parse(scaling);

        folder.ExpectOnOpen(ModelFault.Corrupt, $"'{key}'");
    }

    [Fact]
    public void Open_TakesTheWindow_WhenItIsShorterThanTheContext()
    {
        using var folder = new HuggingFaceFolder("MistralForCausalLM");
        folder.Config["sliding_window"] = 32;
        using var model = folder.Open();

        Assert.Equal(new AttentionWindow(32, 1), model.Shape.Window);
        Assert.Equal((32, 32), (model.Shape.Window.Of(0), model.Shape.Window.Of(1)));
    }

    [Fact]
    public void Open_Succeeds_WhenTheWindowCoversTheContextOrIsOff()
    {
        using var mistral = new HuggingFaceFolder("MistralForCausalLM");
        mistral.Config["sliding_window"] = 64;
        mistral.Open().Dispose();
        mistral.Config["sliding_window"] = null;
        mistral.Open().Dispose();

        using var qwen = new HuggingFaceFolder("Qwen2ForCausalLM");
        qwen.Config["sliding_window"] = 32;
        qwen.Config["use_sliding_window"] = false;
        qwen.Open().Dispose();
        qwen.Config["use_sliding_window"] = true;
        qwen.ExpectOnOpen(ModelFault.Unsupported, "sliding_window", "'max_position_embeddings' to 32");
    }

    [Fact]
    public void Open_IsUnsupported_WhenTheModelAsksForMore()
    {
        Change(config => config["mlp_bias"] = true, ModelFault.Unsupported, "mlp_bias");
        Change(config => config["hidden_act"] = "gelu", ModelFault.Unsupported, "gelu");
        Change(config => config["quantization_config"] = new JsonObject { ["quant_method"] = "awq" }, ModelFault.Unsupported, "awq", "GGUF");
    }

    [Theory]
    [InlineData("hidden_size")]
    [InlineData("num_hidden_layers")]
    [InlineData("intermediate_size")]
    [InlineData("vocab_size")]
    [InlineData("max_position_embeddings")]
    [InlineData("architectures")]
    public void Open_NamesTheKey_WhenItIsMissingOrWrong(string key)
    {
        Change(config => config.Remove(key), ModelFault.Corrupt, $"'{key}'");
        Change(config => config[key] = "many", ModelFault.Corrupt, $"'{key}'");
        Change(config => config[key] = -1, ModelFault.Corrupt, $"'{key}'");
        Change(config => config[key] = 1.5, ModelFault.Corrupt, $"'{key}'");
    }

    [Fact]
    public void Open_IsCorrupt_WhenNumbersContradict()
    {
        Change(config => config["num_attention_heads"] = 3, ModelFault.Corrupt, "head_dim");
        Change(config => config["num_key_value_heads"] = 3, ModelFault.Corrupt, "key-value heads");
        Change(config => config["partial_rotary_factor"] = 2, ModelFault.Corrupt, "partial_rotary_factor");
        Change(config => config["head_dim"] = 7, ModelFault.Corrupt, "rotated elements");
        Change(config => config["num_hidden_layers"] = 1 << 30, ModelFault.Corrupt, "layers");
        Change(config => config["rms_norm_eps"] = -1, ModelFault.Corrupt, "epsilon");
    }

    [Theory]
    [InlineData("{\"architectures\": [")]
    [InlineData("[]")]
    [InlineData("")]
    [InlineData("{\"hidden_size\": 1, \"hidden_size\": 2}")]
    [InlineData("version https://git-lfs.github.com/spec/v1")]
    public void Open_NamesTheFile_WhenItIsNotAJsonObject(string content)
    {
        using var folder = new TemporaryFolder();
        string path = folder.Write("config.json", content);

        var error = Assert.Throws<ModelException>(() => Model.Files.ModelFile.Open(folder.Path));

        Assert.Equal(ModelFault.Corrupt, error.Fault);
        Assert.Contains(path, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Open_IsCorrupt_WhenJsonIsNestedTooDeep()
    {
        using var folder = new TemporaryFolder();
        folder.Write("config.json", "{\"x\":" + new string('[', 100_000));

        Assert.Equal(ModelFault.Corrupt, Assert.Throws<ModelException>(() => Model.Files.ModelFile.Open(folder.Path)).Fault);
    }

    [Fact]
    public void All_NameEveryTensorOnce()
    {
        Assert.Equal(Enum.GetValues<LayerTensor>(), LayerTensorFacts.All.Select(facts => facts.Tensor));
        foreach (var architecture in Architecture.All)
        {
            var shape = new ModelShape
            {
                Architecture = architecture.Name,
                LayerCount = 1,
                HiddenSize = 8,
                HeadCount = 1,
                KeyValueHeadCount = 1,
                HeadSize = 8,
                FeedForwardSize = 8,
                VocabularySize = 8,
                ContextLength = 8,
                NormEpsilon = 1e-5f,
                Rope = RopeParameters.None,
                Experts = architecture.Experts == Presence.Always ? new(2, 1, 8, true) : null,
            };
            var present = LayerTensorFacts.All.Where(facts => architecture.PresenceOf(facts.Tensor, shape) != Presence.Never).ToList();
            foreach (var naming in (TensorNaming[])(architecture.HuggingFaceName is null ? [TensorNaming.Gguf] : [TensorNaming.Gguf, TensorNaming.HuggingFace]))
            {
                var names = present.Select(facts => naming.Of(architecture, facts.Tensor, layer: 0)).ToList();
                Assert.DoesNotContain(null, names);
                Assert.Equal(names.Count, names.Distinct().Count());
            }
        }
    }

    private static void Change(Action<JsonObject> change, ModelFault fault, params string[] named)
    {
        using var folder = new HuggingFaceFolder();
        change(folder.Config);
        folder.ExpectOnOpen(fault, named);
    }
}
