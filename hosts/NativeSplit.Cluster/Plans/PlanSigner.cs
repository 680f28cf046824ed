using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using NativeSplit.Cluster.Identity;
using NativeSplit.Placement;

namespace NativeSplit.Cluster.Plans;

/// <summary>The orchestrator's key, with the certificate by which the cluster authority lets it sign plans. Thread-safe.</summary>
/// <remarks>The key signs nothing else, and lives in memory only: each start makes a new one. It is made anew when a third of its certificate's life is left.</remarks>
public sealed class PlanSigner : IDisposable
{
    private readonly Lock _gate = new();
    private readonly ClusterAuthority _authority;
    private readonly NodeId _name;
    private readonly TimeProvider _time;
    private X509Certificate2 _certificate;

    /// <summary>Makes a key and has it certified.</summary>
    /// <param name="authority">Delegates; lent.</param>
    /// <param name="name">Name of the orchestrator.</param>
    /// <param name="time">Clock.</param>
    public PlanSigner(ClusterAuthority authority, NodeId name, TimeProvider time)
    {
        ArgumentNullException.ThrowIfNull(authority);
        ArgumentNullException.ThrowIfNull(time);
        (_authority, _name, _time) = (authority, name, time);
        _certificate = authority.IssueWithKey(NodeRole.Orchestrator, name);
    }

    /// <summary>How long a signed plan may be taken in: longer than a worker takes to prepare its part.</summary>
    public static TimeSpan Lifetime { get; } = TimeSpan.FromHours(1);

    /// <summary>Trust domain of the cluster.</summary>
    public string Cluster => _authority.Domain;

    /// <summary>Signs a plan.</summary>
    /// <param name="plan">The plan, with its epoch.</param>
    /// <param name="model">Fingerprint of the model.</param>
    /// <param name="term">Term of the leader.</param>
    /// <param name="previous">Hash of the plan before; null for the first.</param>
    /// <exception cref="ClusterException"><see cref="ClusterFault.Protocol"/>: the plan is longer than any node reads.</exception>
    public SignedPlan Sign(Plan plan, string model, ulong term, string? previous)
    {
        ArgumentNullException.ThrowIfNull(plan);
        lock (_gate)
        {
            DateTimeOffset now = _time.GetUtcNow();
            Renew(now);
            var statement = new PlanStatement
            {
                Format = SignedPlan.CurrentFormat,
                Cluster = Cluster,
                Term = term,
                Epoch = plan.Epoch.Value,
                Previous = previous,
                Model = model,
                Segments = [.. plan.Segments.Select(segment => new PlanStatementSegment([segment.Layers.Start, segment.Layers.End], segment.Node.Value))],
                Issued = now,
                Expires = now + Lifetime,
            };
            using ECDsa key = _certificate.GetECDsaPrivateKey()!;
            return SignedPlan.Sign(statement, CredentialStore.IdentityOf(_certificate), _certificate, key);
        }
    }

    /// <summary>Forgets the key.</summary>
    public void Dispose() => _certificate.Dispose();

    private void Renew(DateTimeOffset now)
    {
        if (_certificate.NotAfter.ToUniversalTime() - now.UtcDateTime < ClusterAuthority.NodeLifetime / 3)
        {
            _certificate.Dispose();
            _certificate = _authority.IssueWithKey(NodeRole.Orchestrator, _name);
        }
    }
}
