using System.Text.Json;
using System.Text.Json.Serialization;
using NativeSplit.Model;

namespace NativeSplit.Placement;

/// <summary>The JSON form of a plan: <c>{"epoch": 1, "segments": [{"layers": [0, 2], "node": "gateway"}, …]}</c>, layers half-open.</summary>
public static class PlanDocument
{
    private const string Example = """{"epoch": 1, "segments": [{"layers": [0, 4], "node": "gateway"}, {"layers": [4, 8], "node": "worker-1"}]}""";

    /// <summary>Reads a plan.</summary>
    /// <param name="json">The document.</param>
    /// <exception cref="PlanException">It isn't a plan document.</exception>
    public static Plan Parse(string json)
    {
        ArgumentNullException.ThrowIfNull(json);
        PlanJson document;
        try
        {
            document = JsonSerializer.Deserialize(json, PlanJsonContext.Default.PlanJson)
                ?? throw new JsonException("The document is null.");
        }
        catch (JsonException e)
        {
            throw new PlanException(PlanFault.Malformed, $"The plan isn't valid JSON of the expected form: {e.Message} A plan looks like {Example}.", e);
        }

        if (document.Epoch == 0)
        {
            throw new PlanException(PlanFault.Malformed, "\"epoch\" must be 1 or more.");
        }

        var segments = new PlanSegment[document.Segments.Count];
        for (int i = 0; i < segments.Length; i++)
        {
            segments[i] = ReadSegment(document.Segments[i], i);
        }

        return new Plan(new PlanEpoch(document.Epoch), segments);
    }

    /// <summary>Writes a plan, indented.</summary>
    public static string Format(Plan plan)
    {
        ArgumentNullException.ThrowIfNull(plan);
        var document = new PlanJson
        {
            Epoch = plan.Epoch.Value,
            Segments = [.. plan.Segments.Select(s => new SegmentJson { Layers = [s.Layers.Start, s.Layers.End], Node = s.Node.Value })],
        };
        return JsonSerializer.Serialize(document, PlanJsonContext.Default.PlanJson);
    }

    private static PlanSegment ReadSegment(SegmentJson? segment, int index)
    {
        if (segment is not { Layers: [int start, int end] } || start < 0 || end <= start)
        {
            throw new PlanException(PlanFault.Malformed, $"\"layers\" of segment {index} must be [start, end] with 0 <= start < end, for example [0, 4] for layers 0 to 3.");
        }

        return NodeId.IsValid(segment.Node)
            ? new PlanSegment(new LayerRange(start, end), new NodeId(segment.Node))
            : throw new PlanException(PlanFault.Malformed, $"\"node\" of segment {index} is '{segment.Node}'; a node name has 1 to 63 of a-z, 0-9 and '-'.");
    }
}

internal sealed record PlanJson
{
    public required ulong Epoch { get; init; }

    public required IReadOnlyList<SegmentJson> Segments { get; init; }
}

internal sealed record SegmentJson
{
    public required IReadOnlyList<int> Layers { get; init; }

    public required string Node { get; init; }
}

[JsonSourceGenerationOptions(JsonSerializerDefaults.Web, WriteIndented = true, UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow, RespectNullableAnnotations = true)]
[JsonSerializable(typeof(PlanJson))]
internal sealed partial class PlanJsonContext : JsonSerializerContext;
