using System.Security.Cryptography.X509Certificates;
using NativeSplit.Cluster.Identity;
using NativeSplit.Cluster.Messages;

namespace NativeSplit.Cluster.Plans;

/// <summary>Judges the plans that a node is brought, and remembers the highest one. Only what it let in is ever carried out. Thread-safe.</summary>
/// <remarks>
/// Terms never fall, epochs rise strictly, and a plan whose epoch follows the last one seen must name it as the plan before. So a plan can't be played
/// back, rolled back, or put beside another one, by whoever holds the links but not the orchestrator's key.
/// </remarks>
public sealed class PlanGuard
{
    /// <summary>How far the clocks of two nodes may differ.</summary>
    public static readonly TimeSpan ClockSkew = TimeSpan.FromMinutes(5);

    private readonly Lock _gate = new();
    private readonly string _cluster;
    private readonly X509Certificate2 _authority;
    private readonly Func<X509Certificate2, bool> _isRevoked;
    private readonly Action<PlanMark> _keep;
    private readonly TimeProvider _time;
    private readonly long[] _refused = new long[Enum.GetValues<PlanRefusal>().Length];
    private PlanMark? _highest;

    /// <summary>Makes a guard.</summary>
    /// <param name="node">The node: its cluster, authority, and what it knows of revoked certificates.</param>
    /// <param name="highest">The mark kept last; null: none, or another cluster's.</param>
    /// <param name="keep">Keeps a mark so that it outlives the process. Called before the plan counts; may throw <see cref="ClusterException"/>, the plan is then refused.</param>
    /// <param name="time">Clock for expiry.</param>
    public PlanGuard(JoinedNode node, PlanMark? highest, Action<PlanMark> keep, TimeProvider time)
    {
        ArgumentNullException.ThrowIfNull(node);
        _cluster = node.Self.Domain;
        _authority = node.Credentials.Authority;
        _isRevoked = node.Revoked.IsRevoked;
        _highest = highest?.Cluster == node.Self.Domain ? highest : null;
        (_keep, _time) = (keep, time);
    }

    /// <summary>The plan let in last by this process; null before the first.</summary>
    public SignedPlan? Current { get; private set; }

    /// <summary>Plans let in.</summary>
    public long Accepted { get; private set; }

    /// <summary>Why the plan brought last wasn't let in; null when it was.</summary>
    public string? LastRefusal { get; private set; }

    /// <summary>Plans that were refused for a reason.</summary>
    public long RefusedFor(PlanRefusal refusal)
    {
        lock (_gate)
        {
            return _refused[(int)refusal];
        }
    }

    /// <summary>Judges a plan, and lets it in when it is good.</summary>
    /// <param name="bytes">The signed plan.</param>
    /// <exception cref="ClusterException"><see cref="ClusterFault.PlanRefused"/>: it isn't; nothing has changed but the count.</exception>
    public SignedPlan Accept(ReadOnlyMemory<byte> bytes)
    {
        lock (_gate)
        {
            try
            {
                DateTimeOffset now = _time.GetUtcNow();
                SignedPlan plan = SignedPlan.Open(bytes, _authority, now, _isRevoked);
                Judge(plan, now);
                var mark = new PlanMark(_cluster, plan.Term, plan.Plan.Epoch.Value, plan.Hash);
                Keep(mark);
                (_highest, Current, LastRefusal) = (mark, plan, null);
                Accepted++;
                return plan;
            }
            catch (PlanRefusedException e)
            {
                _refused[(int)e.Refusal]++;
                LastRefusal = $"The plan is refused ({e.Refusal}): {e.Message}.";
                throw new ClusterException(ClusterFault.PlanRefused, LastRefusal, e);
            }
        }
    }

    private void Judge(SignedPlan plan, DateTimeOffset now)
    {
        if (plan.Cluster != _cluster)
        {
            throw new PlanRefusedException(PlanRefusal.ForeignCluster, $"it is for cluster {PeerText.Clean(plan.Cluster)}, this node is of {_cluster}");
        }

        if (now > plan.Expires + ClockSkew || now < plan.Issued - ClockSkew)
        {
            throw new PlanRefusedException(PlanRefusal.Expired, $"it holds from {plan.Issued:u} to {plan.Expires:u}, the clock here says {now:u}");
        }

        if (_highest is not { } highest)
        {
            return;
        }

        ulong epoch = plan.Plan.Epoch.Value;
        if (epoch == highest.Epoch)
        {
            throw plan.Hash == highest.Hash
                ? new PlanRefusedException(PlanRefusal.Replayed, $"plan {epoch} was seen before")
                : new PlanRefusedException(PlanRefusal.Forked, $"another plan {epoch} was seen before");
        }

        if (epoch < highest.Epoch || plan.Term < highest.Term)
        {
            throw new PlanRefusedException(
                PlanRefusal.RolledBack, $"it is plan {epoch} of term {plan.Term}, and plan {highest.Epoch} of term {highest.Term} was seen before; if the gateway's plan log was put back from a copy, remove plan.json from this node's --data folder");
        }

        if (epoch == highest.Epoch + 1 && plan.Previous != highest.Hash)
        {
            throw new PlanRefusedException(PlanRefusal.Forked, $"it doesn't follow the plan {highest.Epoch} that was seen before");
        }
    }

    private void Keep(PlanMark mark)
    {
        try
        {
            _keep(mark);
        }
        catch (ClusterException e)
        {
            throw new PlanRefusedException(PlanRefusal.NotKept, $"that it was seen can't be kept: {e.Message}");
        }
    }
}
