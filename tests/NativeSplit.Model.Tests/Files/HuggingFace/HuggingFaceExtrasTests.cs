using NativeSplit.Model.Files;

namespace NativeSplit.Model.Tests.Files.HuggingFace;

[Collection(nameof(MappedMemoryCollection))]
public sealed class HuggingFaceExtrasTests
{
    [Fact]
    public void GenerationDefaults_HoldEveryField()
    {
        using var folder = new HuggingFaceFolder();
        folder.Write("generation_config.json", """
            {"do_sample": true, "temperature": 0.6, "top_k": 20, "top_p": 0.95, "min_p": 0.05, "repetition_penalty": 1.1, "max_new_tokens": 99, "eos_token_id": [5, 3]}
            """);
        folder.Config["eos_token_id"] = 7;
        using var model = folder.Open();

        var defaults = model.GenerationDefaults;
        Assert.Equal((0.6f, 20, 0.95f, 0.05f, 1.1f, 99), (defaults.Temperature, defaults.TopK, defaults.TopP, defaults.MinP, defaults.RepetitionPenalty, defaults.MaxNewTokens));
        Assert.Equal([new TokenId(5), new TokenId(3), new TokenId(7)], defaults.EndOfGeneration);
    }

    [Fact]
    public void GenerationDefaults_AreEmpty_WhenThereIsNoFile()
    {
        using var folder = new HuggingFaceFolder();
        using var model = folder.Open();

        Assert.Equal(GenerationDefaults.None, model.GenerationDefaults with { EndOfGeneration = GenerationDefaults.None.EndOfGeneration });
        Assert.Empty(model.GenerationDefaults.EndOfGeneration);
    }

    [Fact]
    public void GenerationDefaults_TakeZeroCountsAsNoLimit()
    {
        using var folder = new HuggingFaceFolder();
        folder.Write("generation_config.json", """{"top_k": 0, "max_new_tokens": null}""");
        using var model = folder.Open();

        Assert.Null(model.GenerationDefaults.TopK);
        Assert.Null(model.GenerationDefaults.MaxNewTokens);
        Assert.Null(model.GenerationDefaults.Temperature);
    }

    [Theory]
    [InlineData("""{"temperature": "hot"}""", "temperature")]
    [InlineData("""{"temperature": -1}""", "temperature")]
    [InlineData("""{"top_p": 1e300}""", "top_p")]
    [InlineData("""{"eos_token_id": "x"}""", "eos_token_id")]
    [InlineData("""{"eos_token_id": [1, -2]}""", "eos_token_id")]
    [InlineData("""{"do_sample": 1}""", "do_sample")]
    public void Open_NamesTheKey_WhenASettingMakesNoSense(string content, string key)
    {
        using var folder = new HuggingFaceFolder();
        folder.Write("generation_config.json", content);

        folder.ExpectOnOpen(ModelFault.Corrupt, "generation_config.json", $"'{key}'");
    }

    [Theory]
    [InlineData("""{"chat_template": "{{ one }}"}""", "{{ one }}")]
    [InlineData("""{"chat_template": [{"name": "tool_use", "template": "t"}, {"name": "default", "template": "d"}]}""", "d")]
    [InlineData("""{"chat_template": [{"name": "only", "template": "o"}]}""", "o")]
    [InlineData("""{"chat_template": [{"name": "a", "template": "x"}, {"name": "b", "template": "y"}]}""", null)]
    [InlineData("""{"chat_template": null}""", null)]
    [InlineData("{}", null)]
    public void ChatTemplateSource_IsTheDefaultOne(string tokenizerConfig, string? expected)
    {
        using var folder = new HuggingFaceFolder();
        folder.Write("tokenizer_config.json", tokenizerConfig);
        using var model = folder.Open();

        Assert.Equal(expected, model.ChatTemplateSource);
    }

    [Fact]
    public void ChatTemplateSource_IsTheFile_WhenThereIsOne()
    {
        using var folder = new HuggingFaceFolder();
        folder.Write("tokenizer_config.json", """{"chat_template": "old"}""");
        folder.Write("chat_template.jinja", "{{ 'neu – ✓' }}\n");
        using var model = folder.Open();

        Assert.Equal("{{ 'neu – ✓' }}\n", model.ChatTemplateSource);
    }

    [Theory]
    [InlineData("""{"chat_template": 7}""")]
    [InlineData("""{"chat_template": ["x"]}""")]
    public void Open_NamesTheKey_WhenTheTemplateIsOfAnotherKind(string tokenizerConfig)
    {
        using var folder = new HuggingFaceFolder();
        folder.Write("tokenizer_config.json", tokenizerConfig);

        folder.ExpectOnOpen(ModelFault.Corrupt, "tokenizer_config.json", "'chat_template'");
    }
}
