using NativeSplit.Cluster.Identity;
using NativeSplit.Cluster.Plans;
using NativeSplit.Model;
using NativeSplit.Placement;
using NativeSplit.Testing;

namespace NativeSplit.Cluster.Tests.Plans;

public sealed class MemoryPlanStoreTests : PlanStoreSuite
{
    private readonly MemoryPlanStore _store = new();

    protected override IPlanStore Create() => _store;

    [Fact]
    public async Task Campaign_Throws_WhenItHasALeader()
    {
        IPlanStore store = Open();
        await store.CampaignAsync("a", Cancel);
        await Assert.ThrowsAsync<ClusterException>(() => store.CampaignAsync("b", Cancel));
    }
}

public sealed class FilePlanStoreTests : SharedPlanStoreSuite
{
    private readonly TemporaryFolder _folder = new();

    private string LogPath => Path.Combine(_folder.Path, "plans.log");

    protected override IPlanStore Create() => new FilePlanStore(_folder.Path, TimeProvider.System);

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        _folder.Dispose();
    }

    [Fact]
    public async Task Open_KeepsWhatCounted_WhereverThePowerWentDuringTheLastWrite()
    {
        ulong term = await WriteAsync(1, 2, 3);
        byte[] whole = await File.ReadAllBytesAsync(LogPath, Cancel);
        int last = whole.Length - (12 + 17 + 3);
        for (int length = last; length < whole.Length; length++)
        {
            await File.WriteAllBytesAsync(LogPath, whole[..length], Cancel);
            Equal(PlanOf(term, 2), PlanLog.ReadLatest(LogPath));
            await using IPlanStore store = Create();
            Leadership next = await store.CampaignAsync("a", Cancel);
            Equal(PlanOf(term, 2), await store.ReadLatestAsync(Cancel));
            await store.AppendAsync(PlanOf(next.Term, 9), Cancel);
            Equal(PlanOf(next.Term, 9), PlanLog.ReadLatest(LogPath));
        }
    }

    [Fact]
    public async Task Open_CutsOff_ZerosThatADiskLeft()
    {
        ulong term = await WriteAsync(1, 2);
        await File.AppendAllBytesAsync(LogPath, new byte[40], Cancel);
        Equal(PlanOf(term, 2), PlanLog.ReadLatest(LogPath));
        await using IPlanStore store = Create();
        Leadership next = await store.CampaignAsync("a", Cancel);
        await store.AppendAsync(PlanOf(next.Term, 3), Cancel);
        Equal(PlanOf(next.Term, 3), PlanLog.ReadLatest(LogPath));
    }

    /// <summary>What is altered before the last record is never passed over: a log that silently lost its end would let epochs be given twice.</summary>
    [Fact]
    public async Task Open_ThrowsBadPlanStore_WhereverAByteBeforeTheLastRecordIsAltered()
    {
        await WriteAsync(1, 2, 3);
        byte[] whole = await File.ReadAllBytesAsync(LogPath, Cancel);
        int last = whole.Length - (12 + 17 + 3);
        for (int i = 0; i < last; i++)
        {
            byte[] bad = [.. whole];
            bad[i] ^= 0x40;
            await File.WriteAllBytesAsync(LogPath, bad, Cancel);
            await using IPlanStore store = Create();
            ClusterException e = await Assert.ThrowsAsync<ClusterException>(() => store.CampaignAsync("a", Cancel));
            Assert.Equal(ClusterFault.BadPlanStore, e.Fault);
            Assert.Contains(LogPath, e.Message);
        }
    }

    [Fact]
    public async Task Open_ThrowsBadPlanStore_WhenTheFileIsSomethingElse()
    {
        await File.WriteAllTextAsync(LogPath, "hello, world", Cancel);
        ClusterException e = await Assert.ThrowsAsync<ClusterException>(() => Open().CampaignAsync("a", Cancel));
        Assert.Equal(ClusterFault.BadPlanStore, e.Fault);
    }

    [Fact]
    public async Task Open_KeepsTheLatestOnly_OnceTheFileIsLong()
    {
        await using (IPlanStore store = Create())
        {
            ulong term = (await store.CampaignAsync("a", Cancel)).Term;
            for (ulong epoch = 1; epoch <= 40; epoch++)
            {
                await store.AppendAsync(new StoredPlan(term, new PlanEpoch(epoch), new byte[32 << 10]), Cancel);
            }
        }

        await using IPlanStore again = Create();
        Leadership next = await again.CampaignAsync("a", Cancel);
        Assert.Equal(2UL, next.Term);
        Assert.Equal(new PlanEpoch(40), (await again.ReadLatestAsync(Cancel))!.Epoch);
        Assert.Equal(16, PlanLog.Read(LogPath).Count);
    }

    [Fact]
    public async Task Publisher_GoesOnAfterARestart_WithTheNextEpochAndTheHashBefore()
    {
        using ClusterAuthority authority = ClusterAuthority.Create(TimeProvider.System);
        var plan = new Plan(new PlanEpoch(1), [new PlanSegment(new LayerRange(0, 4), new NodeId("gateway"))]);
        SignedPlan before;
        await using (PlanPublisher first = await LeadAsync(authority))
        {
            await first.PublishAsync(plan, new PlanEpoch(5), "ab", Cancel);
            before = await first.PublishAsync(plan, new PlanEpoch(1), "ab", Cancel);
            Assert.Equal(new PlanEpoch(6), before.Plan.Epoch);
        }

        await using PlanPublisher second = await LeadAsync(authority);
        SignedPlan after = await second.PublishAsync(plan, new PlanEpoch(1), "ab", Cancel);
        Assert.Equal((new PlanEpoch(7), 2UL, before.Hash), (after.Plan.Epoch, after.Term, after.Previous));
    }

    /// <summary>An append that failed may have reached the disk all the same.</summary>
    [Fact]
    public async Task Publisher_NeverUsesAnEpochTwice_WhenAPlanCouldNotBeKept()
    {
        using ClusterAuthority authority = ClusterAuthority.Create(TimeProvider.System);
        var plan = new Plan(new PlanEpoch(1), [new PlanSegment(new LayerRange(0, 4), new NodeId("gateway"))]);
        await using PlanPublisher publisher = await LeadAsync(authority);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => publisher.PublishAsync(plan, new PlanEpoch(1), "ab", new CancellationToken(canceled: true)));
        SignedPlan kept = await publisher.PublishAsync(plan, new PlanEpoch(1), "ab", Cancel);
        Assert.Equal(new PlanEpoch(2), kept.Plan.Epoch);
        Assert.Null(kept.Previous);
    }

    [Fact]
    public async Task Campaign_SaysWhatToDo_WhenTheFolderCannotBeMade()
    {
        await using var store = new FilePlanStore(Path.Combine(_folder.Write("file", "x"), "sub"), TimeProvider.System);
        ClusterException e = await Assert.ThrowsAsync<ClusterException>(() => store.CampaignAsync("a", Cancel));
        Assert.Equal(ClusterFault.PlanStoreUnavailable, e.Fault);
        Assert.Contains("--data", e.Message);
    }

    private Task<PlanPublisher> LeadAsync(ClusterAuthority authority) =>
        PlanPublisher.LeadAsync(Create(), new PlanSigner(authority, new NodeId("gateway"), TimeProvider.System), "gateway", Cancel);

    private async Task<ulong> WriteAsync(params ulong[] epochs)
    {
        await using IPlanStore store = Create();
        ulong term = (await store.CampaignAsync("a", Cancel)).Term;
        foreach (ulong epoch in epochs)
        {
            await store.AppendAsync(PlanOf(term, epoch), Cancel);
        }

        return term;
    }
}
