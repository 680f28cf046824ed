using System.CommandLine;
using System.Globalization;
using NativeSplit.Engine.Execution;
using NativeSplit.Engine.Generation;
using NativeSplit.Host.Composition;

namespace NativeSplit.Host.Verbs;

/// <summary><c>run</c>: one process, no split; streams a text to standard output.</summary>
internal static class RunVerb
{
    private const int MaxRows = 256;

    public static Command Create()
    {
        Argument<string?> prompt = CommonArguments.Text("prompt", "The text. '-' reads it from standard input. Default, for the shipped model only: a road report.", required: false);
        Option<string?> model = CommonArguments.Model();
        Option<int?> context = CommonArguments.Context();
        Option<int?> maxTokens = new("--max-tokens", "-n") { Description = "Tokens to generate at most. Default: the model's own, else up to the context's end.", HelpName = "N" };
        Option<string[]> stop = new("--stop") { Description = "String that ends the text; may be given several times.", HelpName = "TEXT" };
        Option<bool> raw = new("--raw") { Description = "Continue the text as it is, without the model's chat template." };
        Option<bool> ignoreEnd = new("--ignore-eos") { Description = "Go on past tokens that end a text." };
        var sampling = new SamplingArguments();
        var compute = new ComputeOptions();
        Option<ActivationPrecision> precision = ComputeOptions.Precision(ActivationPrecision.Int8);

        Command command = new("run", "Continue a text in one process. The text goes to standard output, figures to standard error.") { prompt, model, maxTokens, context, stop, raw, ignoreEnd };
        sampling.AddTo(command);
        compute.AddTo(command);
        command.Add(precision);
        command.SetAction(async (parsed, cancellationToken) =>
        {
            string? named = parsed.GetValue(model);
            string text = await ReadPromptAsync(parsed.GetValue(prompt), named, cancellationToken);
            using LoadedModel loaded = LoadedModel.Open(DefaultModel.Resolve(named), compute.Read(parsed) with { Precision = parsed.GetValue(precision) });
            if (parsed.GetValue(maxTokens) is < 1)
            {
                throw new UsageException("--max-tokens must be 1 or more.");
            }

            int room = CommonArguments.ContextOf(parsed.GetValue(context), loaded.Shape.ContextLength);
            var request = new GenerationRequest
            {
                Prompt = PromptText.Encode(loaded, text, parsed.GetValue(raw)),
                MaxTokens = parsed.GetValue(maxTokens) ?? loaded.File.GenerationDefaults.MaxNewTokens,
                Sampling = sampling.Read(parsed, loaded.File.GenerationDefaults, loaded.Shape.VocabularySize),
                Stop = parsed.GetValue(stop) ?? [],
                IgnoreEndOfGeneration = parsed.GetValue(ignoreEnd),
            };

            await using LocalLayerPath path = loaded.CreateLocalPath([loaded.Shape.AllLayers], room, MaxRows);
            await using TextGenerator generator = loaded.CreateGenerator(path, MaxRows, maxSequences: 1);
            await using IGeneration generation = await StartAsync(generator, request, cancellationToken);
            await foreach (GenerationChunk chunk in generation.ReadAllAsync(cancellationToken))
            {
                Console.Out.Write(chunk.Text);
                Console.Out.Flush();
            }

            Console.Out.WriteLine();
            Console.Error.WriteLine(Figures(loaded.File.Name, path.Executors[0].Backend, generation));
            return ExitCode.Done;
        });
        return command;
    }

    /// <summary>Starts a generation; a malformed request of the command line is a usage error.</summary>
    private static async ValueTask<IGeneration> StartAsync(TextGenerator generator, GenerationRequest request, CancellationToken cancellationToken)
    {
        try
        {
            return await generator.StartAsync(request, cancellationToken);
        }
        catch (ArgumentException e)
        {
            throw UsageException.From(e);
        }
    }

    private static async Task<string> ReadPromptAsync(string? given, string? model, CancellationToken cancellationToken) => given switch
    {
        "-" => await Console.In.ReadToEndAsync(cancellationToken),
        null when model is null => DefaultModel.Prompt,
        null => throw new UsageException("No prompt. Give a text, or '-' to read it from standard input."),
        _ => given,
    };

    private static string Figures(string name, string backend, IGeneration generation)
    {
        GenerationUsage usage = generation.Usage;
        GenerationTimings timings = generation.Timings;
        int later = usage.CompletionTokens - 1;
        string decode = later > 0 && timings.DecodeTime > TimeSpan.Zero
            ? string.Create(CultureInfo.InvariantCulture, $", decode {later / timings.DecodeTime.TotalSeconds:0.0} tokens/s")
            : string.Empty;
        return string.Create(
            CultureInfo.InvariantCulture,
            $"[{name} on {backend}: {usage.PromptTokens} prompt tokens, {usage.CompletionTokens} generated; TTFT {timings.TimeToFirstToken.TotalMilliseconds:0.0} ms{decode}]");
    }
}
