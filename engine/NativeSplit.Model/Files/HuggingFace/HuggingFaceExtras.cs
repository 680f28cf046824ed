using System.Text.Json;

namespace NativeSplit.Model.Files.HuggingFace;

/// <summary>Reads what a Hugging Face directory holds beside shape and weights: sampling settings and the chat template.</summary>
internal static class HuggingFaceExtras
{
    private const string DefaultTemplate = "default";

    /// <summary>Reads <c>generation_config.json</c>, and the end tokens of <c>config.json</c>.</summary>
    /// <exception cref="ModelException">A value has the wrong type or makes no sense.</exception>
    public static GenerationDefaults ReadGenerationDefaults(string directory, JsonSection config)
    {
        var generation = JsonSection.ReadFile(Path.Combine(directory, "generation_config.json"));
        TokenId[] ends = [.. ReadEnds(generation).Concat(ReadEnds(config)).Distinct()];
        if (generation is null)
        {
            return new GenerationDefaults { EndOfGeneration = ends };
        }

        bool greedy = generation.Boolean("do_sample") is false;
        return new GenerationDefaults
        {
            Temperature = greedy ? 0 : Number(generation, "temperature"),
            TopK = Count(generation, "top_k"),
            TopP = Number(generation, "top_p"),
            MinP = Number(generation, "min_p"),
            RepetitionPenalty = Number(generation, "repetition_penalty"),
            MaxNewTokens = Count(generation, "max_new_tokens"),
            EndOfGeneration = ends,
        };
    }

    /// <summary>Reads the chat template: <c>chat_template.jinja</c>, else <c>chat_template</c> in <c>tokenizer_config.json</c>.</summary>
    /// <returns>The template, of several the one named "default"; null when there is none.</returns>
    /// <exception cref="ModelException">The entry is of another kind.</exception>
    public static string? ReadChatTemplate(string directory)
    {
        string file = Path.Combine(directory, "chat_template.jinja");
        if (File.Exists(file))
        {
            using var reader = new StreamReader(new MemoryStream(JsonSection.ReadBytes(file)));
            return reader.ReadToEnd();
        }

        var tokenizer = JsonSection.ReadFile(Path.Combine(directory, "tokenizer_config.json"));
        if (tokenizer is null || !tokenizer.TryGet("chat_template", out var template))
        {
            return null;
        }

        return template.ValueKind == JsonValueKind.Array ? ReadNamed(tokenizer, template) : tokenizer.String("chat_template");
    }

    private static string? ReadNamed(JsonSection tokenizer, JsonElement templates)
    {
        foreach (var item in templates.EnumerateArray())
        {
            if (item.ValueKind != JsonValueKind.Object)
            {
                throw tokenizer.Mismatch("chat_template", "a string or a list of named templates");
            }

            var named = new JsonSection(tokenizer.Source, item);
            if (named.String("name") == DefaultTemplate || templates.GetArrayLength() == 1)
            {
                return named.String("template");
            }
        }

        return null;
    }

    private static IEnumerable<TokenId> ReadEnds(JsonSection? section)
    {
        if (section is null || !section.TryGet("eos_token_id", out var ends))
        {
            return [];
        }

        return ends.ValueKind == JsonValueKind.Array ? [.. ends.EnumerateArray().Select(Token)] : [Token(ends)];

        TokenId Token(JsonElement value) => value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out int id) && id >= 0
            ? new TokenId(id)
            : throw section.Mismatch("eos_token_id", "a token id or a list of them");
    }

    private static float? Number(JsonSection section, string key) =>
        section.Number(key) is { } value ? SamplingRange.Require((float)value, section.Source, key) : null;

    // Zero and less mean "no limit" here, as an absent key does.
    private static int? Count(JsonSection section, string key) => section.Integer(key) is { } value and > 0 and <= int.MaxValue ? (int)value : null;
}
