using NativeSplit.Placement;

namespace NativeSplit.Cluster.Identity;

/// <summary>What a node may do. Granted by the authority in the certificate; no node can claim it.</summary>
public enum NodeRole
{
    /// <summary>Runs layers; sees activations only.</summary>
    Worker,

    /// <summary>Knows tokens; assigns layers.</summary>
    Gateway,
}

/// <summary>Who a node is: the SPIFFE name <c>spiffe://DOMAIN/ROLE/NAME</c> in its certificate.</summary>
/// <param name="Domain">Trust domain: one per cluster authority.</param>
/// <param name="Role">What it may do.</param>
/// <param name="Node">Its name.</param>
public sealed record NodeIdentity(string Domain, NodeRole Role, NodeId Node)
{
    private const string Scheme = "spiffe://";

    /// <summary>The SPIFFE name.</summary>
    public string Uri => $"{Scheme}{Domain}/{NameOf(Role)}/{Node}";

    /// <summary>Reads a SPIFFE name.</summary>
    /// <returns>False when it isn't of the form above; never throws, for names come from peers.</returns>
    public static bool TryParse(string? uri, out NodeIdentity identity)
    {
        identity = null!;
        if (uri is null || !uri.StartsWith(Scheme, StringComparison.Ordinal))
        {
            return false;
        }

        string[] parts = uri[Scheme.Length..].Split('/');
        if (parts.Length != 3 || parts[0].Length == 0 || !NodeId.IsValid(parts[2]))
        {
            return false;
        }

        NodeRole? role = parts[1] switch
        {
            "worker" => NodeRole.Worker,
            "gateway" => NodeRole.Gateway,
            _ => null,
        };
        if (role is null)
        {
            return false;
        }

        identity = new NodeIdentity(parts[0], role.Value, new NodeId(parts[2]));
        return true;
    }

    /// <inheritdoc/>
    public override string ToString() => Uri;

    private static string NameOf(NodeRole role) => role == NodeRole.Gateway ? "gateway" : "worker";
}
