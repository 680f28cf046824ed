using System.Runtime.CompilerServices;
using NativeSplit.Placement;

namespace NativeSplit.Cluster.Plans;

/// <summary>A plan store for a cluster that ends with its gateway: whose authority, too, lives in memory. One leader, for ever. Thread-safe.</summary>
public sealed class MemoryPlanStore : IPlanStore
{
    private const int Kept = 64;
    private readonly Lock _gate = new();
    private readonly List<StoredPlan> _plans = [];
    private readonly TaskCompletionSource _lost = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private TaskCompletionSource _added = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private ulong _term;

    /// <inheritdoc/>
    public Task<Leadership> CampaignAsync(string candidate, CancellationToken cancellationToken)
    {
        lock (_gate)
        {
            return _term++ == 0
                ? Task.FromResult(new Leadership(1, _lost.Task))
                : throw new ClusterException(ClusterFault.PlanStoreUnavailable, "A plan store in memory has one leader; keep plans in a folder (--data) to have another wait for it.");
        }
    }

    /// <inheritdoc/>
    public Task AppendAsync(StoredPlan plan, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(plan);
        lock (_gate)
        {
            PlanOrder.ThrowIfStale(plan, 1, _plans.Count == 0 ? default : _plans[^1].Epoch);
            if (_plans.Count == Kept)
            {
                _plans.RemoveAt(0);
            }

            _plans.Add(plan);
            _added.TrySetResult();
            _added = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        }

        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public Task<StoredPlan?> ReadLatestAsync(CancellationToken cancellationToken)
    {
        lock (_gate)
        {
            return Task.FromResult(_plans.Count == 0 ? null : _plans[^1]);
        }
    }

    /// <inheritdoc/>
    public async IAsyncEnumerable<StoredPlan> WatchAsync(PlanEpoch after, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        while (true)
        {
            StoredPlan[] news;
            Task added;
            lock (_gate)
            {
                news = [.. _plans.Where(plan => plan.Epoch > after)];
                added = _added.Task;
            }

            foreach (StoredPlan plan in news)
            {
                yield return plan;
                after = plan.Epoch;
            }

            await added.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync()
    {
        _lost.TrySetResult();
        return ValueTask.CompletedTask;
    }
}
