using System.CommandLine;
using System.Net;
using System.Runtime.InteropServices;
using Microsoft.Extensions.Logging;
using NativeSplit.Cluster.Identity;
using NativeSplit.Cluster.Routes;
using NativeSplit.Gateway;
using NativeSplit.Host.Composition;
using NativeSplit.Placement;

namespace NativeSplit.Host.Verbs;

/// <summary><c>serve</c>: the gateway of a cluster, with plans from files or found by itself, and its HTTP API.</summary>
internal static class ServeVerb
{
    public const string ApiKeyVariable = "NATIVESPLIT_API_KEY";

    public static Command Create()
    {
        Option<string?> model = CommonArguments.Model();
        Option<string[]> plan = new("--plan", "-p") { Description = "JSON file: which layers on which node. May be given several times, best first: the first plan whose nodes have all joined is in force. Read again on SIGHUP. Default: all layers here. See docs/operations.md.", HelpName = "FILE" };
        Option<string> name = new("--name") { Description = "The gateway's own name in the plan.", HelpName = "NODE", DefaultValueFactory = _ => "gateway" };
        Option<string> links = new("--listen") { Description = "Where workers connect.", HelpName = "ADDRESS:PORT", DefaultValueFactory = _ => "0.0.0.0:7500" };
        Option<string> http = new("--http") { Description = "Where the HTTP API listens.", HelpName = "ADDRESS:PORT", DefaultValueFactory = _ => "127.0.0.1:8080" };
        Option<string?> data = CommonArguments.NotEmpty(new Option<string?>("--data") { Description = "Folder that keeps the cluster authority and the signed plans, so that workers still know the gateway after a restart. A second gateway with the same folder waits, and takes over when the first one ends. Default: in memory.", HelpName = "FOLDER" });
        Option<string?> registry = ModelVerb.Registry("Grant workers the layers that the plan gives them from this weight registry, into which the model was pushed with the same --data.");
        Option<string[]> apiKey = new("--api-key") { Description = $"Key that requests must bring; may be given several times. Also read from {ApiKeyVariable}. Default: none.", HelpName = "KEY" };
        Option<bool> verbose = new("--verbose", "-v") { Description = "Log more." };
        var route = new RouteArguments();
        var adapt = new AdaptArguments();
        var compute = new ComputeOptions();
        Command command = new("serve", "Run the gateway: take workers in, put the plan in force, answer an OpenAI-compatible API until Ctrl-C.") { model, plan, name, links, http, data, registry, apiKey, verbose };
        route.AddTo(command);
        adapt.AddTo(command);
        compute.AddTo(command);
        command.SetAction(async (parsed, cancellationToken) =>
        {
            string[] planFiles = parsed.GetValue(plan) ?? [];
            Plan[] plans = ReadPlans(planFiles);
            string self = parsed.GetRequiredValue(name);
            if (!NodeId.IsValid(self))
            {
                throw new UsageException($"--name '{self}' must be 1 to 63 of a-z, 0-9 and '-'.");
            }

            IPEndPoint httpAddress = EndPoints.ToListenAt(parsed.GetRequiredValue(http), "--http");
            AdaptSettings? adaptation = adapt.Read(parsed, parsed.GetValue(data));
            if (adaptation is not null && plans.Length > 0)
            {
                throw new UsageException("--adapt finds the plan by itself; leave --plan out.");
            }

            IReadOnlyList<NodeId> expected = adapt.ReadExpected(parsed);
            if (expected.Count > 0 && adaptation is null)
            {
                throw new UsageException("--expect goes with --adapt; with --plan, tokens are printed for the nodes of the plans.");
            }

            if (parsed.GetValue(registry) is not null && parsed.GetValue(data) is null)
            {
                throw new UsageException("--registry needs --data: the folder with the secret that the model was pushed with.");
            }

            using ILoggerFactory loggers = Logging.Create(parsed.GetValue(verbose));
            using LoadedModel loaded = LoadedModel.Open(DefaultModel.Resolve(parsed.GetValue(model)), compute.Read(parsed));
            RouteOptions limits = route.Read(parsed, loaded.Shape);
            var settings = new GatewaySettings
            {
                Model = loaded,
                Plans = plans,
                Self = new NodeId(self),
                LinkAddress = EndPoints.ToListenAt(parsed.GetRequiredValue(links), "--listen"),
                Http = new GatewayOptions { ListenAddress = httpAddress.Address, Port = httpAddress.Port, ApiKeys = Keys(parsed.GetValue(apiKey)) },
                Route = limits,
                AdmissionWait = route.ReadAdmissionWait(parsed),
                RecoveryWait = route.ReadRecoveryWait(parsed),
                Adapt = adaptation,
                Store = parsed.GetValue(data) is { } folder ? new CredentialStore(folder) : null,
                Registry = parsed.GetValue(registry),
                Loggers = loggers,
            };
            await using RunningGateway gateway = await RunningGateway.StartAsync(settings, cancellationToken);
            using PosixSignalRegistration reload = PosixSignalRegistration.Create(PosixSignal.SIGHUP, signal =>
            {
                signal.Cancel = true;
                Reload(gateway, settings, planFiles);
            });
            Announce(gateway, [.. plans.SelectMany(plan => plan.Segments).Select(segment => segment.Node).Where(node => node.Value != self), .. expected], parsed.GetValue(model), parsed.GetValue(registry));
            await gateway.Ready.WaitAsync(cancellationToken);
            Console.Error.WriteLine($"Ready: {gateway.Server.Url}v1/chat/completions");
            await Task.Delay(Timeout.Infinite, cancellationToken);
            return ExitCode.Done;
        });
        return command;
    }

    private static Plan[] ReadPlans(string[] files) => [.. files.Select(ReadPlan)];

    /// <summary>Reads the plan files again. A file that can't be used changes nothing.</summary>
    private static void Reload(RunningGateway gateway, GatewaySettings settings, string[] files)
    {
        if (gateway.Driver is not { } driver)
        {
            return;
        }

        try
        {
            Plan[] plans = ReadPlans(files);
            RunningGateway.Check(plans, settings);
            driver.Propose(plans);
        }
        catch (PlanException e)
        {
            Console.Error.WriteLine($"The plans stay as they are: {e.Message}");
        }
    }

    private static Plan ReadPlan(string file)
    {
        if (file.Length == 0)
        {
            throw new UsageException("--plan is empty; name a file, or leave the option out.");
        }

        try
        {
            return PlanDocument.Parse(File.ReadAllText(file));
        }
        catch (PlanException e)
        {
            throw new PlanException(e.Fault, $"{file}: {e.Message}", e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new PlanException(PlanFault.Unreadable, $"The plan can't be read: {e.Message}", e);
        }
    }

    private static string[] Keys(string[]? given)
    {
        string? fromEnvironment = Environment.GetEnvironmentVariable(ApiKeyVariable);
        return string.IsNullOrEmpty(fromEnvironment) ? given ?? [] : [.. given ?? [], fromEnvironment];
    }

    private static void Announce(RunningGateway gateway, IReadOnlyList<NodeId> nodes, string? model, string? registry)
    {
        if (gateway.Driver is not { } driver)
        {
            return;
        }

        // A worker that isn't told takes the shipped model, as this gateway does.
        string same = registry is not null ? $" --registry {registry}"
            : model is null ? string.Empty : $" --model {Path.GetFileName(Path.TrimEndingDirectorySeparator(model))}";
        foreach (NodeId node in nodes.Distinct())
        {
            Console.Error.WriteLine($"{node} joins with (one time, within an hour):");

            // Written without Spectre's wrapping, so that it can be copied.
            Console.Error.WriteLine($"  nativesplit worker --gateway HOST:{driver.LocalEndPoint.Port} --token {gateway.CreateToken(node).ToText()}{same}");
        }
    }
}
