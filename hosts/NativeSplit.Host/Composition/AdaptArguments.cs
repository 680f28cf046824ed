using System.CommandLine;
using NativeSplit.Host.Planning;
using NativeSplit.Placement;
using NativeSplit.Placement.Deciding;
using NativeSplit.Placement.Problems;

namespace NativeSplit.Host.Composition;

/// <summary>The options of a gateway that plans by itself.</summary>
internal sealed class AdaptArguments
{
    private readonly Option<bool> _adapt = new("--adapt") { Description = "Measure the nodes and links, find the best split, and revise it live while they change. Instead of --plan." };
    private readonly Option<string[]> _expect = new("--expect") { Description = "With --adapt: name of a worker to print a join token for; may be given several times.", HelpName = "NODE" };
    private readonly Option<string[]> _trust = new("--trust") { Description = "With --adapt: name of a worker that may run privacy-critical layers, besides those with a trusted token; may be given several times.", HelpName = "NODE" };
    private readonly Option<string> _privacy = new("--privacy") { Description = "With --adapt: which layers only trusted nodes may run: none, relaxed (the first quarter, at least 4, and the last 2) or strict (all).", HelpName = "POLICY", DefaultValueFactory = _ => "relaxed" };
    private readonly Option<string> _ttft = new("--ttft") { Description = "With --adapt: wanted time to the first token.", HelpName = "TIME", DefaultValueFactory = _ => "2 s" };
    private readonly Option<string> _tpot = new("--tpot") { Description = "With --adapt: wanted time per further token.", HelpName = "TIME", DefaultValueFactory = _ => "100 ms" };
    private readonly Option<int> _prompt = new("--expect-prompt") { Description = "With --adapt: tokens of a usual prompt.", HelpName = "N", DefaultValueFactory = _ => 128 };
    private readonly Option<int> _output = new("--expect-output") { Description = "With --adapt: tokens of a usual answer.", HelpName = "N", DefaultValueFactory = _ => 128 };
    private readonly Option<string> _rate = new("--expect-rate") { Description = "With --adapt: requests to plan for.", HelpName = "RATE", DefaultValueFactory = _ => "0.1 /s" };
    private readonly Option<string?> _memory = new("--memory") { Description = "With --adapt: bytes that layers and KV cache may take in the gateway. Default: what the system has.", HelpName = "SIZE" };
    private readonly Option<double> _dwell = new("--dwell") { Description = "With --adapt: least seconds between two changes that nothing forces. A node whose layers changed takes new ones after five times that.", HelpName = "S", DefaultValueFactory = _ => 60 };

    public AdaptArguments() => _privacy.AcceptOnlyFromAmong("none", "relaxed", "strict");

    public void AddTo(Command command)
    {
        foreach (Option option in (Option[])[_adapt, _expect, _trust, _privacy, _ttft, _tpot, _prompt, _output, _rate, _memory, _dwell])
        {
            command.Add(option);
        }
    }

    /// <summary>Workers to print tokens for.</summary>
    public IReadOnlyList<NodeId> ReadExpected(ParseResult parsed) => Nodes(parsed.GetValue(_expect), "--expect");

    /// <summary>The settings; null without --adapt.</summary>
    /// <exception cref="UsageException">An option makes no sense.</exception>
    public AdaptSettings? Read(ParseResult parsed, string? dataFolder)
    {
        if (!parsed.GetValue(_adapt))
        {
            return null;
        }

        double dwell = parsed.GetValue(_dwell);
        if (dwell is not (>= 0 and <= 86_400))
        {
            throw new UsageException("--dwell must be 0 to 86400 seconds.");
        }

        return new AdaptSettings
        {
            Trusted = Nodes(parsed.GetValue(_trust), "--trust").ToHashSet(),
            Privacy = Enum.Parse<PrivacyPolicy>(parsed.GetRequiredValue(_privacy), ignoreCase: true),
            Requests =
            [
                new RequestClass
                {
                    Name = "requests",
                    PromptTokens = parsed.GetValue(_prompt),
                    OutputTokens = parsed.GetValue(_output),
                    RequestsPerKilosecond = Amount(parsed.GetRequiredValue(_rate), Units.PerKilosecond, "--expect-rate"),
                    TtftSloMicroseconds = Amount(parsed.GetRequiredValue(_ttft), Units.Microseconds, "--ttft"),
                    TpotSloMicroseconds = Amount(parsed.GetRequiredValue(_tpot), Units.Microseconds, "--tpot"),
                },
            ],
            MemoryBytes = parsed.GetValue(_memory) is { } memory ? Amount(memory, Units.Bytes, "--memory") : long.MaxValue,
            Policy = new PolicyOptions { Dwell = TimeSpan.FromSeconds(dwell), NodeCoolDown = TimeSpan.FromSeconds(5 * dwell) },
            Decisions = dataFolder is null ? new NoDecisionFile() : new DecisionFile(dataFolder),
        };
    }

    /// <summary>Reads a size, time or rate with its unit.</summary>
    /// <exception cref="UsageException">It has none of the units.</exception>
    public static long Amount(string text, Units units, string option) => units.TryParse(text, out long amount)
        ? amount
        : throw new UsageException($"{option} '{text}' must be a number with a unit ({units.Names}), for example '{units.Example}'.");

    private static NodeId[] Nodes(string[]? names, string option) =>
        [.. (names ?? []).Select(name => NodeId.IsValid(name) ? new NodeId(name) : throw new UsageException($"{option} '{name}' must be 1 to 63 of a-z, 0-9 and '-'."))];
}
