using System.CommandLine;
using NativeSplit.Cluster.Identity;
using NativeSplit.Host.Composition;
using NativeSplit.Placement;

namespace NativeSplit.Host.Verbs;

/// <summary><c>node</c>: certificates of a gateway's workers, beside it while it runs.</summary>
internal static class NodeVerb
{
    public static Command Create() => new("node", "List the workers that hold a certificate, revoke it, and say whom to trust.")
    {
        CreateList(), CreateRevoke(),
        CreateTrust("trust", isTrusted: true, "Trust a worker: layers that must stay private may run there. Its certificate says so from its next renewal on."),
        CreateTrust("distrust", isTrusted: false, "Trust a worker no more, from the next renewal of its certificate on. To keep it out at once, revoke it."),
    };

    private static Command CreateList()
    {
        Option<string> data = AuthorityFolder.Option();
        Command command = new("list", "List certificates that haven't ended: node, serial, end, state, and whether it says trusted.") { data };
        command.SetAction(parsed =>
        {
            using AuthorityFolder folder = AuthorityFolder.Open(parsed.GetRequiredValue(data));
            foreach (IssuedCertificate certificate in folder.Nodes.List())
            {
                string state = certificate.Revoked is { } revoked ? $"revoked {revoked:u}" : "valid";
                Console.Out.WriteLine($"{certificate.Node}  {certificate.Serial}  {certificate.Expiry:u}  {state}{(certificate.Trusted ? "  trusted" : string.Empty)}");
            }

            return ExitCode.Done;
        });
        return command;
    }

    private static Command CreateRevoke()
    {
        Argument<string> node = new("node") { Description = "Name of the worker." };
        Option<string> data = AuthorityFolder.Option();
        Command command = new("revoke", "Revoke every certificate of a worker. A running gateway drops its links within seconds and refuses new ones.") { node, data };
        command.SetAction(parsed =>
        {
            string name = parsed.GetRequiredValue(node);
            using AuthorityFolder folder = AuthorityFolder.Open(parsed.GetRequiredValue(data));
            if (!NodeId.IsValid(name) || folder.Nodes.Revoke(new NodeId(name)) == 0)
            {
                throw new UsageException($"No valid certificate of a node '{name}' is known here. See 'nativesplit node list'.");
            }

            return ExitCode.Done;
        });
        return command;
    }

    private static Command CreateTrust(string name, bool isTrusted, string description)
    {
        Argument<string> node = new("node") { Description = "Name of the worker." };
        Option<string> data = AuthorityFolder.Option();
        Command command = new(name, description) { node, data };
        command.SetAction(parsed =>
        {
            string worker = parsed.GetRequiredValue(node);
            using AuthorityFolder folder = AuthorityFolder.Open(parsed.GetRequiredValue(data));
            if (!NodeId.IsValid(worker) || !folder.Nodes.Trust(new NodeId(worker), isTrusted))
            {
                throw new UsageException($"No valid certificate of a node '{worker}' is known here, or it is {(isTrusted ? "trusted already" : "not trusted")}. See 'nativesplit node list'.");
            }

            return ExitCode.Done;
        });
        return command;
    }
}
