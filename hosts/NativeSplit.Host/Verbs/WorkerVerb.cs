using System.CommandLine;
using System.Net;
using Microsoft.Extensions.Logging;
using NativeSplit.Cluster.Identity;
using NativeSplit.Cluster.Plans;
using NativeSplit.Host.Composition;
using NativeSplit.Host.Planning;
using NativeSplit.Model;
using NativeSplit.Model.Files;
using NativeSplit.Transport.Links;
using NativeSplit.Worker;

namespace NativeSplit.Host.Verbs;

/// <summary><c>worker</c>: joins a cluster and runs the layers it is given.</summary>
internal static class WorkerVerb
{
    public const string TokenVariable = "NATIVESPLIT_JOIN_TOKEN";

    public static Command Create()
    {
        Option<string> gateway = new("--gateway", "-g") { Description = "Where the gateway listens for workers.", HelpName = "HOST:PORT", Required = true };
        Option<string?> token = new("--token") { Description = $"One-time join token that the gateway printed. Also read from {TokenVariable}, which other users of this machine can't see.", HelpName = "TOKEN" };
        Option<string?> model = CommonArguments.Model();
        Option<string?> registry = ModelVerb.Registry("Take the layers that are assigned from this weight registry, and no others, instead of from a model file; --model then names a model in it.");
        Option<string> listen = new("--listen") { Description = "Where other workers connect.", HelpName = "ADDRESS:PORT", DefaultValueFactory = _ => "0.0.0.0:0" };
        Option<string?> advertise = new("--advertise") { Description = "Host name or address that other workers reach this one at. Default: the address the gateway sees.", HelpName = "HOST" };
        Option<string?> data = CommonArguments.NotEmpty(new Option<string?>("--data") { Description = "Folder that keeps this worker's identity, so that it needs no new token for a day. Default: in memory.", HelpName = "FOLDER" });
        Option<bool> exitWithGateway = new("--exit-with-gateway") { Description = "End when the gateway leaves, instead of waiting for it." };
        Option<int> maxKvTokens = new("--kv-tokens") { Description = "Positions of KV cache to give at most.", HelpName = "N", DefaultValueFactory = _ => 1 << 20 };
        Option<string?> memory = new("--memory") { Description = "Bytes that layers and KV cache may take at most. Default: what the system has.", HelpName = "SIZE" };
        Option<bool> verbose = new("--verbose", "-v") { Description = "Log more." };
        var compute = new ComputeOptions();
        Command command = new("worker", "Join a cluster and run the layers that its gateway assigns, until Ctrl-C. A worker sees activations, never tokens or text.") { gateway, token, model, registry, listen, advertise, data, exitWithGateway, maxKvTokens, memory, verbose };
        compute.AddTo(command);
        command.SetAction(async (parsed, cancellationToken) =>
        {
            Compute machine = compute.Read(parsed);
            if (parsed.GetValue(maxKvTokens) < 1)
            {
                throw new UsageException($"--kv-tokens {parsed.GetValue(maxKvTokens)} must be 1 or more.");
            }

            if (parsed.GetValue(advertise) is { } host && Uri.CheckHostName(host) == UriHostNameType.Unknown)
            {
                throw new UsageException($"--advertise '{host}' isn't a host name or an address; leave the port out.");
            }

            EndPoint address = EndPoints.ToConnectTo(parsed.GetRequiredValue(gateway), "--gateway");
            using ILoggerFactory loggers = Logging.Create(parsed.GetValue(verbose));
            string? registryFolder = parsed.GetValue(registry);
            if (registryFolder is not null && !Directory.Exists(registryFolder))
            {
                throw new UsageException($"There is no weight registry at {registryFolder}; 'nativesplit model push' makes one.");
            }

            // Before it joins, so that a bad file doesn't use the token up; what a registry holds is believed only when the cluster's authority signed it.
            using WorkerModel? given = registryFolder is null ? WorkerModel.OpenFile(DefaultModel.Resolve(parsed.GetValue(model))) : null;
            CredentialStore? store = parsed.GetValue(data) is { } folder ? new CredentialStore(folder) : null;
            JoinedNode identity = await IdentifyAsync(address, parsed.GetValue(token), store, cancellationToken);
            using WorkerModel? granted = registryFolder is null ? null : WorkerModel.OpenRegistry(registryFolder, parsed.GetValue(model), identity, store);
            WorkerModel opened = given ?? granted!;
            ModelFile file = opened.File;
            var options = new WorkerOptions
            {
                Model = file,
                WeightKey = opened.PublicKey,
                Gateway = address,
                Identity = identity,
                Plans = new PlanGuard(identity, store?.TryLoadPlanMark(), mark => store?.SavePlanMark(mark), TimeProvider.System),
                Executors = (layers, kvTokens, maxRows) => OwningExecutor.Create(file, layers, kvTokens, maxRows, machine, team: null),
                WeightBytes = layers => BytesOf(file, layers),
                Listen = EndPoints.ToListenAt(parsed.GetRequiredValue(listen), "--listen"),
                AdvertisedHost = parsed.GetValue(advertise),
                ExitWithGateway = parsed.GetValue(exitWithGateway),

                // A registry gives layers only after they were assigned, so there is nothing to measure yet.
                MeasuresAtJoin = registryFolder is null,
                MemoryBytes = parsed.GetValue(memory) is { } size ? AdaptArguments.Amount(size, Units.Bytes, "--memory") : long.MaxValue,
                MaxKvTokens = parsed.GetValue(maxKvTokens),
            };
            await using var renewal = new CertificateRenewal(
                identity.Source, cancel => EnrolmentClient.RenewAsync(address, identity, options.Link, cancel), _ => store?.Save(identity), loggers.CreateLogger("identity"), TimeProvider.System);
            await using WorkerNode node = WorkerNode.Start(options, loggers.CreateLogger("worker"), TimeProvider.System);
            await node.RunAsync(cancellationToken);
            return ExitCode.Done;
        });
        return command;
    }

    /// <summary>The identity kept from an earlier run of the same cluster, or a new one for the token.</summary>
    private static async Task<JoinedNode> IdentifyAsync(EndPoint gateway, string? tokenText, CredentialStore? store, CancellationToken cancellationToken)
    {
        tokenText ??= Environment.GetEnvironmentVariable(TokenVariable);
        JoinToken? token = string.IsNullOrWhiteSpace(tokenText) ? null : JoinToken.Parse(tokenText);
        if (store?.TryLoad(TimeProvider.System, token) is { } kept)
        {
            return kept;
        }

        if (token is null)
        {
            throw new UsageException($"No join token. Give the one that the gateway printed with --token or {TokenVariable}" + (store is null ? "." : ", or the --data folder of an earlier run."));
        }

        JoinedNode joined = await EnrolmentClient.JoinAsync(gateway, token, new LinkOptions(), cancellationToken);
        store?.Save(joined);
        return joined;
    }

    private static long BytesOf(ModelFile file, LayerRange layers) =>
        file.Tensors.Where(tensor => tensor.Layer is { } layer && layers.Contains(layer)).Sum(tensor => tensor.ByteLength);
}
