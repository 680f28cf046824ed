using System.CommandLine;
using NativeSplit.Cluster.Identity;

namespace NativeSplit.Host.Composition;

/// <summary>A gateway's data folder, opened beside the gateway.</summary>
internal sealed class AuthorityFolder : IDisposable
{
    private readonly ClusterAuthority _authority;

    private AuthorityFolder(CredentialStore store)
    {
        _authority = store.LoadAuthority(TimeProvider.System);
        var registry = new ClusterRegistry(store);
        Tokens = new JoinTokenStore(_authority, TimeProvider.System, registry);
        Nodes = new NodeRegistry(registry, TimeProvider.System);
    }

    public JoinTokenStore Tokens { get; }

    public NodeRegistry Nodes { get; }

    /// <summary>The option that names the folder.</summary>
    public static Option<string> Option() => new("--data") { Description = "Data folder of the gateway, as given to 'serve'.", HelpName = "FOLDER", Required = true };

    /// <exception cref="NativeSplit.Cluster.ClusterException">The folder holds no authority.</exception>
    public static AuthorityFolder Open(string folder) => new(new CredentialStore(folder));

    public void Dispose() => _authority.Dispose();
}
