using System.CommandLine;
using System.Globalization;
using NativeSplit.Host.Bench;
using NativeSplit.Host.Composition;
using NativeSplit.Kernels;
using NativeSplit.Kernels.Threading;
using NativeSplit.Model.Files;

namespace NativeSplit.Host.Verbs;

/// <summary><c>bench</c>: how fast a model is on this machine, in one process.</summary>
internal static class BenchVerb
{
    private const int MostTokens = 1 << 20;
    private const int MostSequences = 256;

    public static Command Create()
    {
        Option<string?> model = CommonArguments.Model();
        Option<string> prefill = new("--pp") { Description = "Prompt sizes to prefill; 0 for none.", HelpName = "N,…", DefaultValueFactory = _ => "512" };
        Option<string> decode = new("--tg") { Description = "Numbers of tokens to decode; 0 for none.", HelpName = "N,…", DefaultValueFactory = _ => "128" };
        Option<string> batch = new("--batch") { Description = "Sequences that decode together.", HelpName = "N,…", DefaultValueFactory = _ => "1" };
        Option<string> depth = new("--depth") { Description = "Positions in the KV cache before the measurement starts.", HelpName = "N,…", DefaultValueFactory = _ => "0" };
        Option<string> threads = new("--threads")
        {
            Description = "Threads that compute. Default: the processors this process may use.",
            HelpName = "N,…",
            DefaultValueFactory = _ => ThreadTeam.DefaultSize.ToString(CultureInfo.InvariantCulture),
        };
        Option<string> repetitions = new("--repetitions", "-r") { Description = "Runs of each test, after one that warms up.", HelpName = "N", DefaultValueFactory = _ => "5" };
        Option<string> chunk = new("--chunk") { Description = "Rows that a prompt is taken in at a time.", HelpName = "N", DefaultValueFactory = _ => "512" };
        Option<string?> kernels = ComputeOptions.Kernels();
        Option<bool> pin = ComputeOptions.Pin();
        Option<KeyValueType> kvType = ComputeOptions.KvType();
        Option<string> device = ComputeOptions.Device();
        Option<bool> markdown = new("--markdown") { Description = "Print a Markdown table." };
        Option<bool> json = CommonArguments.Json();
        Command command = new("bench", "Measure prefill and decode in one process: tokens/s, weight bandwidth and its share of the machine's, load time, memory.")
        {
            model, prefill, decode, batch, depth, threads, repetitions, chunk, kernels, pin, kvType, device, markdown, json,
        };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            if (parsed.GetValue(markdown) && parsed.GetValue(json))
            {
                throw new UsageException("--markdown and --json don't go together; give one.");
            }

            int[] Numbers(Option<string> option, int least, int most) => NumberList.ReadInRange(parsed.GetRequiredValue(option), option.Name, least, most);
            int One(Option<string> option, int least, int most) => Numbers(option, least, most) is [int number]
                ? number
                : throw new UsageException($"{option.Name} takes one number.");
            var plan = new BenchPlan
            {
                Tests = TestsOf(Numbers(prefill, 0, MostTokens), Numbers(decode, 0, MostTokens), Numbers(batch, 1, MostSequences), Numbers(depth, 0, MostTokens)),
                Repetitions = One(repetitions, 1, 1000),
                ChunkRows = One(chunk, 1, 8192),
            };
            if (plan.Tests.Count == 0)
            {
                throw new UsageException("There is nothing to measure. Give --pp or --tg a number above 0, and --batch and --depth at least one.");
            }

            int[] counts = Numbers(threads, 1, 1024);
            if (counts.Length == 0)
            {
                throw new UsageException("--threads needs at least one number.");
            }

            string path = DefaultModel.Resolve(parsed.GetValue(model));
            KernelSet set = KernelCatalog.Select(parsed.GetValue(kernels));
            List<BenchGroup> groups = [];
            foreach (int count in counts)
            {
                var compute = new Compute(set, count, Pin: parsed.GetValue(pin), Device: ComputeOptions.ReadDevice(parsed.GetRequiredValue(device))) { KvType = parsed.GetValue(kvType) };
                compute.Check();
                groups.Add(await BenchRunner.RunAsync(path, compute, plan, cancellationToken));
            }

            using ModelFile file = ModelFile.Open(path);
            if (parsed.GetValue(json))
            {
                BenchReport.WriteJson(file, groups, plan);
            }
            else
            {
                BenchReport.WriteTable(file, groups, plan, parsed.GetValue(markdown));
            }

            return ExitCode.Done;
        });
        return command;
    }

    private static List<BenchTest> TestsOf(int[] prefill, int[] decode, int[] batches, int[] depths) =>
    [
        .. from depth in depths from tokens in prefill where tokens > 0 select new BenchTest(IsPrefill: true, tokens, Batch: 1, depth),
        .. from depth in depths from batch in batches from tokens in decode where tokens > 0 select new BenchTest(IsPrefill: false, tokens, batch, depth),
    ];
}
