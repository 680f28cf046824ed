using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using NativeSplit.Model;
using NativeSplit.Model.Files;
using Spectre.Console;

namespace NativeSplit.Host.Verbs;

/// <summary><c>inspect</c>: what is in a model file, without mapping a weight.</summary>
internal static class InspectVerb
{
    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true };

    public static Command Create()
    {
        Argument<string> file = new("file") { Description = "GGUF file or Hugging Face folder." };
        file.Validators.Add(result =>
        {
            if (result.Tokens.Count > 0 && string.IsNullOrWhiteSpace(result.Tokens[0].Value))
            {
                result.AddError("The file's name is empty.");
            }
        });
        Option<bool> json = Composition.CommonArguments.Json();
        Option<bool> tensors = new("--tensors") { Description = "List every tensor." };
        Command command = new("inspect", "Show a model's architecture, shapes, types, bytes per layer and KV bytes per token.") { file, json, tensors };
        command.SetAction(parsed =>
        {
            using ModelFile model = ModelFile.Open(parsed.GetRequiredValue(file));
            if (parsed.GetValue(json))
            {
                Console.Out.WriteLine(Describe(model, parsed.GetValue(tensors)).ToJsonString(Indented));
            }
            else
            {
                Show(model, parsed.GetValue(tensors));
            }

            return ExitCode.Done;
        });
        return command;
    }

    private static JsonObject Describe(ModelFile model, bool withTensors)
    {
        ModelShape shape = model.Shape;
        var document = new JsonObject
        {
            ["name"] = model.Name,
            ["path"] = model.Path,
            ["fingerprint"] = model.Fingerprint.Value,
            ["architecture"] = shape.Architecture,
            ["layers"] = shape.LayerCount,
            ["hidden"] = shape.HiddenSize,
            ["heads"] = shape.HeadCount,
            ["kv_heads"] = shape.KeyValueHeadCount,
            ["head_size"] = shape.HeadSize,
            ["feed_forward"] = shape.FeedForwardSize,
            ["vocabulary"] = shape.VocabularySize,
            ["context"] = shape.ContextLength,
            ["rope_base"] = shape.Rope.FrequencyBase,
            ["kv_bytes_per_token"] = shape.KeyValueBytesPerTokenPerLayer * shape.LayerCount,
            ["kv_bytes_per_token_per_layer"] = shape.KeyValueBytesPerTokenPerLayer,
            ["bytes"] = model.Tensors.Sum(t => t.ByteLength),
            ["bytes_of_ends"] = model.Tensors.Where(t => t.Layer is null).Sum(t => t.ByteLength),
            ["bytes_per_layer"] = new JsonArray([.. BytesPerLayer(model).Select(bytes => (JsonNode)bytes)]),
            ["types"] = new JsonObject(Types(model).Select(type => KeyValuePair.Create(type.Name, (JsonNode?)type.Bytes))),
            ["chat_template"] = model.ChatTemplateSource is not null,
        };
        if (withTensors)
        {
            document["tensors"] = new JsonArray([.. model.Tensors.Select(t => (JsonNode)new JsonObject
            {
                ["name"] = t.Name,
                ["type"] = t.TypeName,
                ["shape"] = new JsonArray([.. t.Shape.Select(extent => (JsonNode)extent)]),
                ["bytes"] = t.ByteLength,
                ["layer"] = t.Layer,
            })]);
        }

        return document;
    }

    private static void Show(ModelFile model, bool withTensors)
    {
        ModelShape shape = model.Shape;
        long[] perLayer = BytesPerLayer(model);
        var grid = new Grid().AddColumn(new GridColumn().NoWrap()).AddColumn();
        void Row(string name, string value) => grid.AddRow(new Text(name), new Text(value));
        Row("model", model.Name);
        Row("architecture", string.Create(CultureInfo.InvariantCulture, $"{shape.Architecture}, {shape.LayerCount} layers, context {shape.ContextLength}"));
        Row("shapes", string.Create(CultureInfo.InvariantCulture, $"hidden {shape.HiddenSize}, feed-forward {shape.FeedForwardSize}, {shape.HeadCount} heads and {shape.KeyValueHeadCount} KV heads of {shape.HeadSize}, vocabulary {shape.VocabularySize}"));
        Row("weights", $"{Bytes(model.Tensors.Sum(t => t.ByteLength))}: ends {Bytes(model.Tensors.Where(t => t.Layer is null).Sum(t => t.ByteLength))}, a layer {(perLayer.Length == 0 ? "-" : perLayer.Min() == perLayer.Max() ? Bytes(perLayer[0]) : $"{Bytes(perLayer.Min())} to {Bytes(perLayer.Max())}")}");
        Row("types", string.Join(", ", Types(model).Select(type => $"{type.Name} {Bytes(type.Bytes)}")));
        Row("KV cache", $"{Bytes(shape.KeyValueBytesPerTokenPerLayer * shape.LayerCount)} per token (f32), {Bytes(shape.KeyValueBytesPerTokenPerLayer)} per token and layer");
        Row("chat template", model.ChatTemplateSource is null ? "none" : "yes");
        Row("fingerprint", model.Fingerprint.Value);
        AnsiConsole.Write(grid);
        if (withTensors)
        {
            foreach (TensorInfo tensor in model.Tensors)
            {
                Console.Out.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{tensor.Name,-40} {tensor.TypeName,-8} [{string.Join(", ", tensor.Shape)}] {tensor.ByteLength}"));
            }
        }
    }

    private static long[] BytesPerLayer(ModelFile model)
    {
        long[] bytes = new long[model.Shape.LayerCount];
        foreach (TensorInfo tensor in model.Tensors)
        {
            if (tensor.Layer is { } layer && layer < bytes.Length)
            {
                bytes[layer] += tensor.ByteLength;
            }
        }

        return bytes;
    }

    private static IEnumerable<(string Name, long Bytes)> Types(ModelFile model) =>
        model.Tensors.GroupBy(t => t.TypeName).Select(group => (group.Key, group.Sum(t => t.ByteLength))).OrderByDescending(type => type.Item2);

    internal static string Bytes(long bytes) => bytes switch
    {
        >= 1L << 30 => string.Create(CultureInfo.InvariantCulture, $"{bytes / (double)(1L << 30):0.00} GiB"),
        >= 1L << 20 => string.Create(CultureInfo.InvariantCulture, $"{bytes / (double)(1L << 20):0.00} MiB"),
        >= 1L << 10 => string.Create(CultureInfo.InvariantCulture, $"{bytes / (double)(1L << 10):0.0} KiB"),
        _ => string.Create(CultureInfo.InvariantCulture, $"{bytes} B"),
    };
}
