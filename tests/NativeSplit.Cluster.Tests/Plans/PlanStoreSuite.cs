using NativeSplit.Cluster.Plans;
using NativeSplit.Placement;

namespace NativeSplit.Cluster.Tests.Plans;

/// <summary>What every plan store does.</summary>
public abstract class PlanStoreSuite : IAsyncLifetime
{
    private readonly List<IPlanStore> _open = [];

    protected static CancellationToken Cancel => TestContext.Current.CancellationToken;

    /// <summary>Makes another view of one and the same store.</summary>
    protected abstract IPlanStore Create();

    public virtual ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public virtual async ValueTask DisposeAsync()
    {
        foreach (IPlanStore store in _open)
        {
            await store.DisposeAsync();
        }

        GC.SuppressFinalize(this);
    }

    [Fact]
    public async Task Latest_IsNothing_WhenNoPlanWasAdded()
    {
        IPlanStore store = Open();
        Assert.Null(await store.ReadLatestAsync(Cancel));
        Leadership leadership = await store.CampaignAsync("a", Cancel);
        Assert.True(leadership.Term > 0);
        Assert.False(leadership.Lost.IsCompleted);
        Assert.Null(await store.ReadLatestAsync(Cancel));
    }

    [Fact]
    public async Task Latest_IsThePlanAddedLast()
    {
        IPlanStore store = Open();
        ulong term = (await store.CampaignAsync("a", Cancel)).Term;
        await store.AppendAsync(PlanOf(term, 1), Cancel);
        await store.AppendAsync(PlanOf(term, 5), Cancel);
        Equal(PlanOf(term, 5), await store.ReadLatestAsync(Cancel));
    }

    [Theory]
    [InlineData(5)]
    [InlineData(4)]
    [InlineData(0)]
    public async Task Append_RefusesAPlan_WhoseEpochIsntNew(ulong epoch)
    {
        IPlanStore store = Open();
        ulong term = (await store.CampaignAsync("a", Cancel)).Term;
        await store.AppendAsync(PlanOf(term, 5), Cancel);
        await Refuses(store, PlanOf(term, epoch));
        Equal(PlanOf(term, 5), await store.ReadLatestAsync(Cancel));
    }

    [Fact]
    public async Task Append_RefusesAPlan_OfAnotherTerm()
    {
        IPlanStore store = Open();
        ulong term = (await store.CampaignAsync("a", Cancel)).Term;
        await Refuses(store, PlanOf(term + 1, 1));
        await Refuses(store, PlanOf(term - 1, 1));
        Assert.Null(await store.ReadLatestAsync(Cancel));
    }

    [Fact]
    public async Task Watch_GivesWhatIsThereAndWhatComes_WithoutAGap()
    {
        IPlanStore store = Open();
        ulong term = (await store.CampaignAsync("a", Cancel)).Term;
        for (ulong epoch = 1; epoch <= 20; epoch++)
        {
            await store.AppendAsync(PlanOf(term, epoch), Cancel);
        }

        Task<ulong[]> watched = WatchAsync(store, after: 7, until: 40);
        for (ulong epoch = 21; epoch <= 40; epoch++)
        {
            await store.AppendAsync(PlanOf(term, epoch), Cancel);
        }

        Assert.Equal(Enumerable.Range(8, 33).Select(epoch => (ulong)epoch), await watched.WaitAsync(TimeSpan.FromSeconds(30), Cancel));
    }

    protected static StoredPlan PlanOf(ulong term, ulong epoch) => new(term, new PlanEpoch(epoch), new byte[] { 1, 2, (byte)epoch });

    protected static void Equal(StoredPlan expected, StoredPlan? actual)
    {
        Assert.NotNull(actual);
        Assert.Equal((expected.Term, expected.Epoch), (actual.Term, actual.Epoch));
        Assert.Equal(expected.Signed.ToArray(), actual.Signed.ToArray());
    }

    protected static async Task Refuses(IPlanStore store, StoredPlan plan)
    {
        ClusterException e = await Assert.ThrowsAsync<ClusterException>(() => store.AppendAsync(plan, Cancel));
        Assert.Equal(ClusterFault.Superseded, e.Fault);
    }

    protected static async Task<ulong[]> WatchAsync(IPlanStore store, ulong after, ulong until)
    {
        List<ulong> seen = [];
        await foreach (StoredPlan plan in store.WatchAsync(new PlanEpoch(after), Cancel))
        {
            seen.Add(plan.Epoch.Value);
            if (plan.Epoch.Value == until)
            {
                break;
            }
        }

        return [.. seen];
    }

    protected IPlanStore Open()
    {
        IPlanStore store = Create();
        _open.Add(store);
        return store;
    }
}

/// <summary>What every store does that outlives a process and has candidates.</summary>
public abstract class SharedPlanStoreSuite : PlanStoreSuite
{
    [Fact]
    public async Task Campaign_WaitsForTheLeaderToGo_AndBeginsAHigherTerm()
    {
        IPlanStore first = Open();
        ulong term = (await first.CampaignAsync("a", Cancel)).Term;
        await first.AppendAsync(PlanOf(term, 3), Cancel);
        IPlanStore second = Open();
        Task<Leadership> waiting = second.CampaignAsync("b", Cancel);
        Assert.NotSame(waiting, await Task.WhenAny(waiting, Task.Delay(TimeSpan.FromMilliseconds(700), Cancel)));

        await first.DisposeAsync();
        Leadership taken = await waiting.WaitAsync(TimeSpan.FromSeconds(30), Cancel);
        Assert.True(taken.Term > term);
        Equal(PlanOf(term, 3), await second.ReadLatestAsync(Cancel));
        await second.AppendAsync(PlanOf(taken.Term, 4), Cancel);
        await Refuses(second, PlanOf(term, 5));
    }

    [Fact]
    public async Task Campaign_EndsItsWait_WhenCancelled()
    {
        await Open().CampaignAsync("a", Cancel);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(Cancel);
        Task<Leadership> waiting = Open().CampaignAsync("b", stop.Token);
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting);
    }

    [Fact]
    public async Task Append_RefusesAPlan_WhenThisOneDoesntLead()
    {
        ulong term = (await Open().CampaignAsync("a", Cancel)).Term;
        await Refuses(Open(), PlanOf(term, 1));
    }

    [Fact]
    public async Task Watch_SeesWhatAnotherAdds()
    {
        IPlanStore leader = Open();
        ulong term = (await leader.CampaignAsync("a", Cancel)).Term;
        Task<ulong[]> watched = WatchAsync(Open(), after: 0, until: 3);
        await leader.AppendAsync(PlanOf(term, 1), Cancel);
        await leader.AppendAsync(PlanOf(term, 3), Cancel);
        ulong[] seen = await watched.WaitAsync(TimeSpan.FromSeconds(30), Cancel);
        Assert.Equal([1UL, 3UL], seen);
    }
}
