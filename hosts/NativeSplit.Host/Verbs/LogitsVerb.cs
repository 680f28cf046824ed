using System.CommandLine;
using System.Runtime.InteropServices;
using System.Text.Json.Nodes;
using NativeSplit.Engine;
using NativeSplit.Engine.Execution;
using NativeSplit.Host.Composition;
using NativeSplit.Model;

namespace NativeSplit.Host.Verbs;

/// <summary><c>logits</c>: logits of every position, through the given cuts, in one process.</summary>
internal static class LogitsVerb
{
    private const int RowsAtOnce = 64;

    public static Command Create()
    {
        Option<string?> model = CommonArguments.Model();
        Option<string> tokens = new("--tokens") { Description = "Ids, separated by commas.", HelpName = "1,2,3", Required = true };
        Option<string?> cut = new("--cut") { Description = "Cut the layers before these, and run each range by its own executor.", HelpName = "2,5" };
        Option<string> output = new("--out", "-o") { Description = "File to write: little-endian float32 [positions, vocabulary].", HelpName = "FILE", Required = true };
        Option<bool> json = CommonArguments.Json();
        var compute = new ComputeOptions();
        Option<ActivationPrecision> precision = ComputeOptions.Precision(ActivationPrecision.Float32);
        Command command = new("logits", "Write the logits of every position of a sequence of tokens.") { model, tokens, cut, output, json };
        compute.AddTo(command);
        command.Add(precision);
        command.SetAction(async (parsed, cancellationToken) =>
        {
            using LoadedModel loaded = LoadedModel.Open(DefaultModel.Resolve(parsed.GetValue(model)), compute.Read(parsed) with { Precision = parsed.GetValue(precision) });
            TokenId[] ids = ReadTokens(parsed.GetRequiredValue(tokens), loaded.Shape);
            IReadOnlyList<LayerRange> ranges = ReadCuts(parsed.GetValue(cut), loaded.Shape.LayerCount);
            float[] hidden = await ForwardAsync(loaded, ids, ranges, cancellationToken);
            string file = parsed.GetRequiredValue(output);
            Write(loaded, hidden, ids.Length, file);
            if (parsed.GetValue(json))
            {
                Console.Out.WriteLine(new JsonObject
                {
                    ["file"] = file,
                    ["shape"] = new JsonArray(ids.Length, loaded.Shape.VocabularySize),
                    ["ranges"] = new JsonArray([.. ranges.Select(r => (JsonNode)new JsonArray(r.Start, r.End))]),
                }.ToJsonString());
            }
            else
            {
                Console.Out.WriteLine($"{file}: float32 [{ids.Length}, {loaded.Shape.VocabularySize}] through layers {string.Join(", ", ranges)}");
            }

            return ExitCode.Done;
        });
        return command;
    }

    private static async Task<float[]> ForwardAsync(LoadedModel loaded, TokenId[] ids, IReadOnlyList<LayerRange> ranges, CancellationToken cancellationToken)
    {
        float[] hidden = new float[ids.Length * loaded.Shape.HiddenSize];
        loaded.Embed(ids, hidden);
        await using LocalLayerPath path = loaded.CreateLocalPath(ranges, Math.Min(loaded.Shape.ContextLength, ids.Length), RowsAtOnce);
        var sequence = new SequenceId(1);
        if (!await path.TryReserveAsync(sequence, ids.Length, cancellationToken))
        {
            throw new EngineException(EngineFault.NoCapacity, $"No room for {ids.Length} positions of KV cache.");
        }

        await path.ForwardAsync(new[] { new SequenceRows(sequence, 0, ids.Length) }, hidden, cancellationToken);
        return hidden;
    }

    private static void Write(LoadedModel loaded, float[] hidden, int positions, string file)
    {
        int vocabulary = loaded.Shape.VocabularySize;
        float[] logits = new float[vocabulary];
        using FileStream stream = File.Create(file);
        for (int position = 0; position < positions; position++)
        {
            loaded.ComputeLogits(hidden, [position], logits);
            stream.Write(MemoryMarshal.AsBytes(logits.AsSpan()));
        }
    }

    private static TokenId[] ReadTokens(string text, ModelShape shape)
    {
        int[] numbers = NumberList.Read(text, "--tokens");
        if (numbers.Length == 0 || numbers.Length > shape.ContextLength)
        {
            throw new UsageException($"--tokens holds {numbers.Length} ids; give 1 to {shape.ContextLength}, the model's context.");
        }

        int bad = Array.FindIndex(numbers, id => id < 0 || id >= shape.VocabularySize);
        return bad < 0
            ? Array.ConvertAll(numbers, id => new TokenId(id))
            : throw new UsageException($"--tokens: {numbers[bad]} isn't in the vocabulary of {shape.VocabularySize}.");
    }

    private static List<LayerRange> ReadCuts(string? text, int layerCount)
    {
        List<LayerRange> ranges = [];
        int start = 0;
        int[] cuts = text is null ? [] : NumberList.Read(text, "--cut");
        foreach (int end in (int[])[.. cuts, layerCount])
        {
            if (end <= start || end > layerCount)
            {
                throw new UsageException($"--cut must rise from 1 to {layerCount - 1}, the layers of this model.");
            }

            ranges.Add(new LayerRange(start, end));
            start = end;
        }

        return ranges;
    }
}
