using System.Text.Json;

namespace NativeSplit.Testing;

/// <summary>Reference results of the shipped model, computed from its float32 weights (<c>tests/data/roadside/golden.json</c>).</summary>
public sealed record RoadsideGolden
{
    private static readonly Lazy<IReadOnlyList<RoadsideGolden>> Shared = new(Read);

    /// <summary>All cases, read once.</summary>
    public static IReadOnlyList<RoadsideGolden> Cases => Shared.Value;

    /// <summary>The directory of the float32 weights.</summary>
    public static string HuggingFaceDirectory => TestData.PathOf("roadside", "hf");

    /// <summary>The prompt.</summary>
    public required string Prompt { get; init; }

    /// <summary>Its ids, begin of text included.</summary>
    public required int[] PromptIds { get; init; }

    /// <summary>The 64 greedy tokens after it; the end token didn't end them.</summary>
    public required int[] ContinuationIds { get; init; }

    /// <summary>Index of the first end token among them, or null.</summary>
    public required int? EndIndex { get; init; }

    /// <summary>Text of the tokens before the first end token.</summary>
    public required string Text { get; init; }

    /// <summary>Smallest difference between the two best logits over the continuation.</summary>
    public required double SmallestMargin { get; init; }

    /// <summary>Logits at the prompt's last position, or null.</summary>
    public required float[]? LastPromptLogits { get; init; }

    private static IReadOnlyList<RoadsideGolden> Read()
    {
        using var document = JsonDocument.Parse(File.ReadAllBytes(TestData.PathOf("roadside", "golden.json")));
        return [.. document.RootElement.GetProperty("cases").EnumerateArray().Select(ReadCase)];
    }

    private static RoadsideGolden ReadCase(JsonElement entry) => new()
    {
        Prompt = entry.GetProperty("prompt").GetString()!,
        PromptIds = [.. entry.GetProperty("prompt_ids").EnumerateArray().Select(id => id.GetInt32())],
        ContinuationIds = [.. entry.GetProperty("continuation_ids").EnumerateArray().Select(id => id.GetInt32())],
        EndIndex = entry.GetProperty("eos_index") is { ValueKind: JsonValueKind.Number } index ? index.GetInt32() : null,
        Text = entry.GetProperty("text").GetString()!,
        SmallestMargin = entry.GetProperty("min_top2_logit_margin").GetDouble(),
        LastPromptLogits = entry.TryGetProperty("last_prompt_logits", out var logits) && logits.ValueKind == JsonValueKind.Array
            ? [.. logits.EnumerateArray().Select(logit => logit.GetSingle())]
            : null,
    };
}
