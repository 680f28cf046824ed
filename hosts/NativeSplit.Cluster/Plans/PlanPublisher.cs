using NativeSplit.Placement;

namespace NativeSplit.Cluster.Plans;

/// <summary>Gives plans their epochs, signs them, and adds them to the store, as its leader. One caller at a time.</summary>
public sealed class PlanPublisher : IAsyncDisposable
{
    private readonly IPlanStore _store;
    private readonly PlanSigner _signer;
    private readonly Leadership _leadership;
    private string? _previous;

    private PlanPublisher(IPlanStore store, PlanSigner signer, Leadership leadership, StoredPlan? latest)
    {
        (_store, _signer, _leadership) = (store, signer, leadership);
        (Last, _previous) = latest is null ? (default, null) : (latest.Epoch, SignedPlan.HashOf(latest.Signed.Span));
    }

    /// <summary>Epoch of the plan published last; 0: none.</summary>
    public PlanEpoch Last { get; private set; }

    /// <summary>Our term.</summary>
    public ulong Term => _leadership.Term;

    /// <summary>Ends when another leader may have taken over.</summary>
    public Task Lost => _leadership.Lost;

    /// <summary>Waits until there is no other leader, and goes on after the plans that are there.</summary>
    /// <param name="store">The store; owned from here on.</param>
    /// <param name="signer">Signs; owned from here on.</param>
    /// <param name="candidate">Our name, for people.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="ClusterException">The store can't be used.</exception>
    public static async Task<PlanPublisher> LeadAsync(IPlanStore store, PlanSigner signer, string candidate, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(store);
        ArgumentNullException.ThrowIfNull(signer);
        try
        {
            Leadership leadership = await store.CampaignAsync(candidate, cancellationToken).ConfigureAwait(false);
            return new PlanPublisher(store, signer, leadership, await store.ReadLatestAsync(cancellationToken).ConfigureAwait(false));
        }
        catch
        {
            signer.Dispose();
            await store.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>Signs a plan under the next epoch and adds it to the store. Only then may anybody be told of it.</summary>
    /// <param name="plan">The plan; its own epoch doesn't count.</param>
    /// <param name="least">The epoch is at least this one.</param>
    /// <param name="model">Fingerprint of the model.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="ClusterException">
    /// <see cref="ClusterFault.Superseded"/>: another leads. <see cref="ClusterFault.PlanStoreUnavailable"/>: it couldn't be kept; a later try may be.
    /// </exception>
    public async Task<SignedPlan> PublishAsync(Plan plan, PlanEpoch least, string model, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(plan);

        // Counted also when it isn't kept: an append that failed may have reached the store, so its epoch is never used for another plan.
        Last = new PlanEpoch(Math.Max(Last.Value + 1, least.Value));
        SignedPlan signed = _signer.Sign(plan with { Epoch = Last }, model, Term, _previous);
        await _store.AppendAsync(new StoredPlan(Term, Last, signed.Bytes), cancellationToken).ConfigureAwait(false);
        _previous = signed.Hash;
        return signed;
    }

    /// <summary>Makes room for another leader.</summary>
    public async ValueTask DisposeAsync()
    {
        await _store.DisposeAsync().ConfigureAwait(false);
        _signer.Dispose();
    }
}
