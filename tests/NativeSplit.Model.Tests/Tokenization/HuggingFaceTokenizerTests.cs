using System.Text.Json.Nodes;
using NativeSplit.Model.Tokenization;
using NativeSplit.Testing;

namespace NativeSplit.Model.Tests.Tokenization;

/// <summary>Hugging Face files that can't be used, and the corners of those that can.</summary>
public class HuggingFaceTokenizerTests
{
    public static TheoryData<string, string, ModelFault> Unusable => new()
    {
        // Place in the file, the JSON put there, the fault.
        { "model", "null", ModelFault.Corrupt },
        { "model", "[]", ModelFault.Corrupt },
        { "model.type", "\"Unigram\"", ModelFault.Unsupported },
        { "model.vocab", "{}", ModelFault.Corrupt },
        { "model.vocab", "[[\"a\", 1.0]]", ModelFault.Corrupt },
        { "model.vocab", "{\"a\": -1}", ModelFault.Corrupt },
        { "model.vocab", "{\"a\": 2147483647}", ModelFault.Corrupt },
        { "model.vocab", "{\"a\": 1e30}", ModelFault.Corrupt },
        { "model.vocab", "{\"a\": 1, \"b\": 1}", ModelFault.Corrupt },
        { "model.merges", "[\"abc\"]", ModelFault.Corrupt },
        { "model.merges", "[[\"a\", \"b\", \"c\"]]", ModelFault.Corrupt },
        { "model.merges", "[[\"a\", \"\u4f60\"]]", ModelFault.Corrupt },
        { "model.merges", "[[\"t\", \"h\"], [\"t\", \"h\"]]", ModelFault.Corrupt },
        { "model.dropout", "0.1", ModelFault.Unsupported },
        { "model.unk_token", "\"<nowhere>\"", ModelFault.Corrupt },
        { "model.end_of_word_suffix", "\"</w>\"", ModelFault.Unsupported },
        { "model.ignore_merges", "\"yes\"", ModelFault.Corrupt },
        { "added_tokens", "[{\"id\": 3, \"content\": \"<x>\"}]", ModelFault.Corrupt },
        { "added_tokens", "[{\"id\": 4000, \"content\": \"\"}]", ModelFault.Corrupt },
        { "added_tokens", "[{\"id\": 4000, \"content\": \"<x>\"}, {\"id\": 4000, \"content\": \"<y>\"}]", ModelFault.Corrupt },
        { "added_tokens", "[{\"id\": 1000000000, \"content\": \"<x>\"}]", ModelFault.Corrupt },
        { "normalizer", "{\"type\": \"NFKD\"}", ModelFault.Unsupported },
        { "normalizer", "{\"type\": \"Replace\", \"pattern\": {\"Regex\": \" +\"}, \"content\": \" \"}", ModelFault.Unsupported },
        { "normalizer", "{}", ModelFault.Corrupt },
        { "pre_tokenizer", "{\"type\": \"BertPreTokenizer\"}", ModelFault.Unsupported },
        { "pre_tokenizer", "{\"type\": \"Sequence\", \"pretokenizers\": 3}", ModelFault.Corrupt },
        { "pre_tokenizer.pretokenizers", "[{\"type\": \"ByteLevel\"}, {\"type\": \"Digits\"}]", ModelFault.Unsupported },
        { "pre_tokenizer.pretokenizers", "[{\"type\": \"Digits\"}, {\"type\": \"ByteLevel\", \"add_prefix_space\": true}]", ModelFault.Unsupported },
        { "pre_tokenizer.pretokenizers", "[]", ModelFault.Unsupported },
        { "pre_tokenizer.pretokenizers[0].pattern.Regex", "\"(\"", ModelFault.Unsupported },
        { "pre_tokenizer.pretokenizers[0].pattern.Regex", "\"\\\\p{L}++\"", ModelFault.Unsupported },
        { "pre_tokenizer.pretokenizers[0].pattern.Regex", "\"\\\\p{Han}+\"", ModelFault.Unsupported },
        { "pre_tokenizer.pretokenizers[0].pattern.Regex", "\"[\\\\p{L}&&[^\\\\p{Lu}]]+\"", ModelFault.Unsupported },
        { "pre_tokenizer.pretokenizers[0].behavior", "\"MergedWithNext\"", ModelFault.Unsupported },
        { "post_processor", "{\"type\": \"BertProcessing\"}", ModelFault.Unsupported },
        { "post_processor.processors[1].special_tokens", "{}", ModelFault.Corrupt },
        { "post_processor.processors[1].special_tokens", "{\"<|begin_of_text|>\": {\"ids\": [99999]}}", ModelFault.Corrupt },
        { "decoder", "{\"type\": \"WordPiece\"}", ModelFault.Unsupported },
        { "decoder", "null", ModelFault.Unsupported },
    };

    [Theory]
    [MemberData(nameof(Unusable))]
    public void FromHuggingFace_SaysWhatAndWhere_WhenTheFileCannotBeUsed(string place, string json, ModelFault fault)
    {
        using var folder = new TemporaryFolder();
        JsonNode root = ReadLlama3Style();
        Replace(root, place, JsonNode.Parse(json));
        folder.Write("tokenizer.json", root.ToJsonString());
        var error = Assert.Throws<ModelException>(() => TokenizerFactory.FromHuggingFace(folder.Path));
        Assert.Equal(fault, error.Fault);
        Assert.Contains(Path.Combine(folder.Path, "tokenizer.json"), error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void FromHuggingFace_SaysWhatToGet_WhenThereIsNoFile()
    {
        using var folder = new TemporaryFolder();
        var error = Assert.Throws<ModelException>(() => TokenizerFactory.FromHuggingFace(folder.Path));
        Assert.Equal(ModelFault.NotFound, error.Fault);
        Assert.Contains("tokenizer.json", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("")]
    [InlineData("{")]
    [InlineData("[]")]
    [InlineData("\0\0\0\0")]
    public void FromHuggingFace_CallsTheFileCorrupt_WhenItIsNotJson(string content)
    {
        using var folder = new TemporaryFolder();
        folder.Write("tokenizer.json", content);
        Assert.Equal(ModelFault.Corrupt, Assert.Throws<ModelException>(() => TokenizerFactory.FromHuggingFace(folder.Path)).Fault);
    }

    [Fact]
    public void FromHuggingFace_CallsTheFileCorrupt_WhereverItIsCutOff()
    {
        using var folder = new TemporaryFolder();
        byte[] whole = File.ReadAllBytes(TestData.PathOf("tokenizers", "llama3-style", "tokenizer.json"));
        for (int length = 0; length < whole.Length - 2; length += 701)
        {
            folder.Write("tokenizer.json", whole[..length]);
            Assert.Equal(ModelFault.Corrupt, Assert.Throws<ModelException>(() => TokenizerFactory.FromHuggingFace(folder.Path)).Fault);
        }
    }

    [Theory]
    [InlineData("\"in\":", "\"\\ud800\":")]
    [InlineData("<|eot_id|>", "\\udc00")]
    [InlineData("\"in\":", "\"\u00ff\":")]
    public void FromHuggingFace_CallsTheFileCorrupt_WhenTextIsNotUnicode(string written, string broken)
    {
        using var folder = new TemporaryFolder();
        string json = File.ReadAllText(TestData.PathOf("tokenizers", "llama3-style", "tokenizer.json"));
        Assert.Contains(written, json, StringComparison.Ordinal);
        byte[] bytes = [.. json.Replace(written, broken, StringComparison.Ordinal).SelectMany(c => c == '\u00ff' ? [0xFF] : System.Text.Encoding.UTF8.GetBytes([c]))];
        folder.Write("tokenizer.json", bytes);
        Assert.Equal(ModelFault.Corrupt, Assert.Throws<ModelException>(() => TokenizerFactory.FromHuggingFace(folder.Path)).Fault);
    }

    [Fact]
    public void FromHuggingFace_NamesTheToken_WhenTheConfigurationAsksForOneThatIsNotThere()
    {
        using var folder = new TemporaryFolder();
        folder.Write("tokenizer.json", ReadLlama3Style().ToJsonString());
        folder.Write("tokenizer_config.json", """{"eos_token": "<nowhere>"}""");
        var error = Assert.Throws<ModelException>(() => TokenizerFactory.FromHuggingFace(folder.Path));
        Assert.Equal(ModelFault.Corrupt, error.Fault);
        Assert.Contains("<nowhere>", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void FromHuggingFace_TakesNamesFromTheMap_AndTokensFromTheConfiguration()
    {
        using var folder = new TemporaryFolder();
        folder.Write("tokenizer.json", ReadLlama3Style().ToJsonString());
        folder.Write("tokenizer_config.json", """{"added_tokens_decoder": {"2000": {"content": "<late>", "special": true}}}""");
        folder.Write("special_tokens_map.json", """{"bos_token": {"content": "<|begin_of_text|>"}, "eos_token": "<late>"}""");
        Tokenizer tokenizer = TokenizerFactory.FromHuggingFace(folder.Path);
        Assert.Equal(2001, tokenizer.VocabularySize);
        Assert.Equal(new TokenId(2000), tokenizer.EndOfText);
        Assert.Contains(new TokenId(2000), tokenizer.EndOfGeneration);
        Assert.Equal("<|begin_of_text|>", tokenizer.PieceOf(tokenizer.BeginOfText!.Value));
        TokenizerAssert.Encodes(tokenizer, "<late>", TokenizerAssert.Parsed, [2000]);
        Assert.Equal(string.Empty, tokenizer.PieceOf(new TokenId(1999)));
        Assert.True(tokenizer.BytesOf(new TokenId(1999)).IsEmpty);
    }

    private static JsonNode ReadLlama3Style() => JsonNode.Parse(File.ReadAllText(TestData.PathOf("tokenizers", "llama3-style", "tokenizer.json")))!;

    private static void Replace(JsonNode root, string place, JsonNode? value)
    {
        string[] steps = place.Replace("[", ".[", StringComparison.Ordinal).Split('.');
        JsonNode node = root;
        foreach (string step in steps[..^1])
        {
            node = step.StartsWith('[') ? node[int.Parse(step[1..^1])]! : node[step]!;
        }

        node[steps[^1]] = value;
    }
}
