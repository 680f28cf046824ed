using System.CommandLine;
using NativeSplit.Cluster.Routes;
using NativeSplit.Engine.Caching;
using NativeSplit.Engine.Execution;
using NativeSplit.Model;

namespace NativeSplit.Host.Composition;

/// <summary>The options about how much a gateway takes on at a time, and how rows travel.</summary>
internal sealed class RouteArguments
{
    private readonly Option<string> _activations = new("--activations") { Description = "How rows travel between nodes: f32 (bit-equal to an unsplit run), bf16 or f16 (half the bytes).", HelpName = "TYPE", DefaultValueFactory = _ => "f32" };
    private readonly Option<int?> _kvTokens = new("--kv-tokens") { Description = "Positions of KV cache on each stage, over all requests. Default: as many as --max-sequences contexts, at most 8192, or one context if that is more, at most 32768.", HelpName = "N" };
    private readonly Option<int> _maxSequences = new("--max-sequences") { Description = "Requests that run at a time.", HelpName = "N", DefaultValueFactory = _ => 16 };
    private readonly Option<double> _admissionWait = new("--admission-wait") { Description = "Seconds that a request waits for room, or for a broken route, before it is refused (HTTP 429 or 502); 0 refuses at once.", HelpName = "S", DefaultValueFactory = _ => 10 };
    private readonly Option<double> _recoveryWait = new("--recovery-wait") { Description = "Seconds that running answers wait for a lost worker, or a plan without it, before they end with an error; 0 ends them at once.", HelpName = "S", DefaultValueFactory = _ => 30 };
    private readonly Option<double> _stepTimeout = new("--step-timeout") { Description = "Seconds for a step to come back before its route counts as broken.", HelpName = "S", DefaultValueFactory = _ => 30 };

    public RouteArguments() => _activations.AcceptOnlyFromAmong("f32", "bf16", "f16");

    public void AddTo(Command command)
    {
        command.Add(_activations);
        command.Add(_kvTokens);
        command.Add(_maxSequences);
        command.Add(_admissionWait);
        command.Add(_recoveryWait);
        command.Add(_stepTimeout);
    }

    /// <summary>How long a request waits for room.</summary>
    public TimeSpan ReadAdmissionWait(ParseResult parsed) => parsed.GetValue(_admissionWait) is var seconds and >= 0 and <= 3600
        ? TimeSpan.FromSeconds(seconds)
        : throw new UsageException("--admission-wait must be 0 to 3600 seconds.");

    /// <summary>How long running answers wait for a broken path.</summary>
    public TimeSpan ReadRecoveryWait(ParseResult parsed) => parsed.GetValue(_recoveryWait) is var seconds and >= 0 and <= 3600
        ? TimeSpan.FromSeconds(seconds)
        : throw new UsageException("--recovery-wait must be 0 to 3600 seconds.");

    public RouteOptions Read(ParseResult parsed, ModelShape shape)
    {
        int maxSequences = parsed.GetValue(_maxSequences);
        int kvTokens = parsed.GetValue(_kvTokens)
            ?? (int)Math.Max(Math.Min(shape.ContextLength, 32768), Math.Min((long)shape.ContextLength * Math.Max(maxSequences, 1), 8192));
        double stepTimeout = parsed.GetValue(_stepTimeout);
        if (kvTokens < 1 || maxSequences is < 1 or > 1024 || stepTimeout is not (>= 0.1 and <= 3600))
        {
            throw new UsageException("--kv-tokens must be 1 or more, --max-sequences 1 to 1024, --step-timeout 0.1 to 3600 seconds.");
        }

        // One layer's KV cache is one buffer, counted in 32-bit elements.
        long limit = int.MaxValue / (shape.KeyValueBytesPerTokenPerLayer / sizeof(float)) / PagedKvCache.PagePositions * PagedKvCache.PagePositions;
        if (kvTokens > limit)
        {
            throw new UsageException($"--kv-tokens {kvTokens} is more than the {limit} positions that a KV cache of this model can hold.");
        }

        var defaults = new RouteOptions();
        return new RouteOptions
        {
            Encoding = parsed.GetValue(_activations) switch { "bf16" => RowEncoding.BF16, "f16" => RowEncoding.F16, _ => RowEncoding.F32 },
            KvTokens = kvTokens,
            MaxSequences = maxSequences,

            // A step takes a row of every running sequence.
            MaxRows = Math.Max(defaults.MaxRows, maxSequences),
            StepTimeout = TimeSpan.FromSeconds(stepTimeout),
        };
    }
}
