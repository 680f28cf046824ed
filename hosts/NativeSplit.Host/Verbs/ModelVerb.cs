using System.CommandLine;
using System.Security.Cryptography.X509Certificates;
using NativeSplit.Cluster.Identity;
using NativeSplit.Cluster.Weights;
using NativeSplit.Host.Composition;
using NativeSplit.Model;
using NativeSplit.Model.Files;
using NativeSplit.Placement;

namespace NativeSplit.Host.Verbs;

/// <summary><c>model</c>: weight registries, from which workers take the layers that they are granted and no others.</summary>
internal static class ModelVerb
{
    public static Command Create() => new("model", "Put models into a weight registry, layer by layer and encrypted, and see what is there.")
    {
        CreatePush(), CreateList(), CreateVerify(), CreateGrant(), CreateKey(),
    };

    /// <summary>The option that names a registry.</summary>
    public static Option<string?> Registry(string description, bool required = false) =>
        CommonArguments.NotEmpty(new Option<string?>("--registry") { Description = description, HelpName = "FOLDER", Required = required });

    private static Option<string?> RequiredRegistry() => Registry("Folder of the weight registry.", required: true);

    private static Option<string?> Which() => CommonArguments.NotEmpty(new Option<string?>("--model", "-m") { Description = "Name of the model in the registry, or the start of its fingerprint. Default: the only one there.", HelpName = "NAME" });

    private static Option<string> Data(string description) => new("--data") { Description = description, HelpName = "FOLDER", Required = true };

    private static Command CreatePush()
    {
        Argument<string> file = new("file") { Description = "GGUF file (or one part of a split set), or a Hugging Face folder." };
        Option<string?> registry = RequiredRegistry();
        Option<string> data = Data("Data folder of the gateway. A cluster authority is made there if it holds none yet.");
        Command command = new("push", "Cut a model at its layers, encrypt each part, and sign the list. A push that was broken off goes on where it was.") { file, registry, data };
        command.SetAction((parsed, cancellationToken) => Task.Run(
            () =>
            {
                var store = new CredentialStore(parsed.GetRequiredValue(data));
                using ModelFile model = ModelFile.Open(parsed.GetRequiredValue(file));
                using ClusterAuthority authority = store.LoadOrCreateAuthority(TimeProvider.System);
                var place = new WeightRegistry(new FolderStorage(parsed.GetValue(registry)!), authority.Certificate);
                var publisher = new WeightPublisher(place, authority, store.LoadOrCreateRegistrySecret());
                WeightManifest manifest = publisher.Push(
                    model, TimeProvider.System.GetUtcNow(), (part, wasThere) => Console.Error.WriteLine($"{part.Name}  {InspectVerb.Bytes(part.ByteLength)}{(wasThere ? "  (there already)" : string.Empty)}"), cancellationToken);
                Console.Out.WriteLine(Line(manifest));
                return ExitCode.Done;
            },
            cancellationToken));
        return command;
    }

    private static Command CreateList()
    {
        Option<string?> registry = RequiredRegistry();
        Option<string> data = Data("Data folder of the gateway or of a worker: whose authority must have signed.");
        Command command = new("list", "List the models of a registry whose signature is right: fingerprint, name, architecture, layers, size, date.") { registry, data };
        command.SetAction(parsed =>
        {
            using X509Certificate2 authority = new CredentialStore(parsed.GetRequiredValue(data)).LoadAuthorityCertificate();
            var place = new WeightRegistry(new FolderStorage(parsed.GetValue(registry)!), authority);
            foreach (string fingerprint in place.List())
            {
                Console.Out.WriteLine(Line(place.Read(fingerprint)));
            }

            return ExitCode.Done;
        });
        return command;
    }

    private static Command CreateVerify()
    {
        Option<string?> registry = RequiredRegistry();
        Option<string?> model = Which();
        Option<string> data = Data("Data folder of the gateway or of a worker: whose authority must have signed. With the gateway's, every part is also decrypted.");
        Command command = new("verify", "Check the signature and every byte of a model in a registry; a damaged part is named.") { registry, model, data };
        command.SetAction((parsed, cancellationToken) => Task.Run(() => Verify(parsed.GetValue(registry)!, parsed.GetValue(model), parsed.GetRequiredValue(data), cancellationToken), cancellationToken));
        return command;
    }

    private static int Verify(string folder, string? model, string data, CancellationToken cancellationToken)
    {
        var store = new CredentialStore(data);
        using X509Certificate2 certificate = store.LoadAuthorityCertificate();
        var registry = new WeightRegistry(new FolderStorage(folder), certificate);
        WeightManifest manifest = registry.Find(model);
        using ClusterAuthority? authority = store.TryLoadRegistrySecret() is null ? null : store.LoadAuthority(TimeProvider.System);
        IEnumerable<(string Partition, string? Fault)> checks = authority is null
            ? registry.Verify(manifest, cancellationToken)
            : new WeightPublisher(registry, authority, store.TryLoadRegistrySecret()!).Verify(manifest, cancellationToken);
        int faults = 0;
        foreach ((string partition, string? fault) in checks)
        {
            Console.Out.WriteLine(fault is null ? $"{partition}  ok" : $"{partition}  FAULT: {fault}");
            faults += fault is null ? 0 : 1;
        }

        Console.Error.WriteLine(faults == 0
            ? $"The signature and all {manifest.Partitions.Count} parts of '{manifest.Model.Name}' are right{(authority is null ? " (hashes of the encrypted bytes)" : ", decrypted to the last byte")}."
            : $"{faults} of {manifest.Partitions.Count} parts of '{manifest.Model.Name}' are damaged. 'nativesplit model push' writes those again, and no others.");
        return faults == 0 ? ExitCode.Done : ExitCode.BadFile;
    }

    private static Command CreateGrant()
    {
        Argument<string> node = new("node") { Description = "Name of the worker." };
        Option<string> key = new("--key") { Description = "The worker's public key, as 'model key' prints it there.", HelpName = "KEY", Required = true };
        Option<string> layers = new("--layers") { Description = "Layers to grant, half-open: 2-12 for the layers 2 to 11.", HelpName = "A-B", Required = true };
        Option<string?> registry = RequiredRegistry();
        Option<string?> model = Which();
        Option<string> data = Data("Data folder of the gateway.");
        Command command = new("grant", "Let a worker open layers. A gateway with --registry grants what its plan gives by itself.") { node, key, layers, registry, model, data };
        command.SetAction(parsed =>
        {
            string name = parsed.GetRequiredValue(node);
            if (!NodeId.IsValid(name))
            {
                throw new UsageException($"The node's name '{name}' must be 1 to 63 of a-z, 0-9 and '-'.");
            }

            var store = new CredentialStore(parsed.GetRequiredValue(data));
            using ClusterAuthority authority = store.LoadAuthority(TimeProvider.System);
            RegistrySecret secret = store.TryLoadRegistrySecret()
                ?? throw new UsageException("No model was pushed with this --data folder; give the one that 'nativesplit model push' was given.");
            var place = new WeightRegistry(new FolderStorage(parsed.GetValue(registry)!), authority.Certificate);
            WeightManifest manifest = place.Find(parsed.GetValue(model));
            new WeightPublisher(place, authority, secret).Grant(manifest, new NodeId(name), parsed.GetRequiredValue(key), ReadLayers(parsed.GetRequiredValue(layers), manifest.Model.Shape.LayerCount));
            return ExitCode.Done;
        });
        return command;
    }

    private static Command CreateKey()
    {
        Option<string> data = Data("Data folder of the worker; the key is made there if it holds none yet.");
        Command command = new("key", "Print the public key that a worker's layers are granted to.") { data };
        command.SetAction(parsed =>
        {
            using WeightKey key = new CredentialStore(parsed.GetRequiredValue(data)).LoadOrCreateWeightKey();
            Console.Out.WriteLine(key.PublicText);
            return ExitCode.Done;
        });
        return command;
    }

    private static LayerRange ReadLayers(string text, int count)
    {
        string[] ends = text.Split('-');
        return ends.Length == 2 && int.TryParse(ends[0], out int start) && int.TryParse(ends[1], out int end) && start >= 0 && start < end && end <= count
            ? new LayerRange(start, end)
            : throw new UsageException($"--layers '{text}' isn't A-B with 0 ≤ A < B ≤ {count}.");
    }

    private static string Line(WeightManifest manifest) =>
        $"{manifest.Model.Fingerprint[..12]}  {manifest.Model.Name}  {manifest.Model.Shape.Architecture}  {manifest.Model.Shape.LayerCount} layers  {InspectVerb.Bytes(manifest.SealedBytes)}  {manifest.Created:u}";
}
