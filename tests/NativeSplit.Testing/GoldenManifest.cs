using System.Runtime.InteropServices;
using System.Text.Json;

namespace NativeSplit.Testing;

/// <summary>The reference results of <c>tests/data/golden</c>: models with random weights, their logits by llama.cpp. See its README.</summary>
public sealed record GoldenManifest
{
    private static readonly Lazy<GoldenManifest> Shared = new(Read);

    /// <summary>The manifest, read once.</summary>
    public static GoldenManifest Default => Shared.Value;

    /// <summary>Prompts by name: <c>s1</c>, <c>s17</c>, <c>s64</c>.</summary>
    public required IReadOnlyDictionary<string, int[]> Sequences { get; init; }

    /// <summary>Models whose file is here.</summary>
    public required IReadOnlyList<GoldenModel> Models { get; init; }

    /// <summary>A model by name.</summary>
    public GoldenModel Model(string name) => Models.Single(model => model.Name == name);

    private static GoldenManifest Read()
    {
        using var document = JsonDocument.Parse(File.ReadAllBytes(TestData.PathOf("golden", "manifest.json")));
        var root = document.RootElement;
        return new GoldenManifest
        {
            Sequences = root.GetProperty("sequences").EnumerateObject().ToDictionary(entry => entry.Name, entry => Integers(entry.Value)),
            Models =
            [
                .. root.GetProperty("models").EnumerateArray()
                    .Where(model => File.Exists(PathOf(model.GetProperty("file"))))
                    .Select(ReadModel),
            ],
        };
    }

    private static GoldenModel ReadModel(JsonElement model) => new()
    {
        Name = model.GetProperty("name").GetString()!,
        Architecture = model.GetProperty("arch").GetString()!,
        WeightType = model.GetProperty("type").GetString()!,
        Path = PathOf(model.GetProperty("file")),
        References = model.GetProperty("references").EnumerateObject().ToDictionary(
            reference => reference.Name,
            reference => ReadSequences(model, reference.Value.GetProperty("sequences"))),
        Tolerances = model.GetProperty("tolerance").EnumerateObject().ToDictionary(entry => entry.Name, entry => entry.Value.GetDouble()),
    };

    // References that aren't by llama.cpp say no more than their files: shapes are those of llama.cpp's.
    private static IReadOnlyList<GoldenSequence> ReadSequences(JsonElement model, JsonElement sequences)
    {
        if (sequences.ValueKind == JsonValueKind.Array)
        {
            return [.. sequences.EnumerateArray().Select(ReadSequence)];
        }

        var shapes = model.GetProperty("references").GetProperty("llamacpp").GetProperty("sequences").EnumerateArray().Select(ReadSequence).ToList();
        return [.. shapes.Select(shape => shape with { LogitsPath = PathOf(sequences.GetProperty(shape.Name).GetProperty("file")), LayersPath = null, Greedy = [], GreedyMargins = [] })];
    }

    private static GoldenSequence ReadSequence(JsonElement sequence) => new()
    {
        Name = sequence.GetProperty("name").GetString()!,
        LogitsPath = PathOf(sequence.GetProperty("file")),
        LogitsShape = Integers(sequence.GetProperty("shape")),
        LayersPath = sequence.TryGetProperty("layers_file", out var file) ? PathOf(file) : null,
        LayersShape = sequence.TryGetProperty("layers_shape", out var shape) ? Integers(shape) : [],
        Greedy = Integers(sequence.GetProperty("greedy")),
        GreedyMargins = [.. sequence.GetProperty("greedy_margins").EnumerateArray().Select(margin => margin.GetDouble())],
    };

    private static int[] Integers(JsonElement array) => [.. array.EnumerateArray().Select(number => number.GetInt32())];

    private static string PathOf(JsonElement file) => TestData.PathOf("golden", file.GetString()!);
}

/// <summary>A model with reference results.</summary>
public sealed record GoldenModel
{
    /// <summary>Name, unique.</summary>
    public required string Name { get; init; }

    /// <summary>Architecture as GGUF names it.</summary>
    public required string Architecture { get; init; }

    /// <summary>Type of its matrices, or the name of a mixture.</summary>
    public required string WeightType { get; init; }

    /// <summary>The GGUF file.</summary>
    public required string Path { get; init; }

    /// <summary>Sequences by reference: <c>llamacpp</c>, <c>dequant</c>.</summary>
    public required IReadOnlyDictionary<string, IReadOnlyList<GoldenSequence>> References { get; init; }

    /// <summary>Tolerances by name: <c>rel_max_vs_dequant</c> and so on.</summary>
    public required IReadOnlyDictionary<string, double> Tolerances { get; init; }

    /// <summary>The reference by llama.cpp that computes with this file's weights in float32.</summary>
    public string Float32Reference => References.ContainsKey("dequant") ? "dequant" : "llamacpp";

    /// <inheritdoc/>
    public override string ToString() => Name;
}

/// <summary>Results of one reference for one prompt.</summary>
public sealed record GoldenSequence
{
    /// <summary>Name of the prompt in <see cref="GoldenManifest.Sequences"/>.</summary>
    public required string Name { get; init; }

    /// <summary>File of the logits of all positions.</summary>
    public required string LogitsPath { get; init; }

    /// <summary>[positions, vocabulary].</summary>
    public required int[] LogitsShape { get; init; }

    /// <summary>File of the residual stream after each layer, or null.</summary>
    public required string? LayersPath { get; init; }

    /// <summary>[layers, positions, hidden], or empty.</summary>
    public required int[] LayersShape { get; init; }

    /// <summary>The 32 tokens that follow the prompt, greedily.</summary>
    public required int[] Greedy { get; init; }

    /// <summary>Best minus second-best logit at each of them.</summary>
    public required double[] GreedyMargins { get; init; }

    /// <summary>Reads a file of little-endian float32.</summary>
    /// <param name="path">The file.</param>
    /// <param name="shape">Its shape; the length must fit.</param>
    public static float[] ReadFloats(string path, IEnumerable<int> shape)
    {
        float[] values = MemoryMarshal.Cast<byte, float>(File.ReadAllBytes(path)).ToArray();
        int expected = shape.Aggregate(1, (product, extent) => product * extent);
        return values.Length == expected ? values : throw new InvalidDataException($"{path} has {values.Length} floats, expected {expected}.");
    }
}
