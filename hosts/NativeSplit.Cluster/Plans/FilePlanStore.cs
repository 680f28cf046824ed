using System.Runtime.CompilerServices;
using NativeSplit.Placement;

namespace NativeSplit.Cluster.Plans;

/// <summary>Keeps plans in <c>plans.log</c> of a folder: the default where one machine, or a shared disk with working locks, is enough.</summary>
/// <remarks>
/// Who holds the lock on <c>plans.lock</c> leads; the system frees it when the process ends, however it ends. Every record is on the disk before
/// it counts (<see cref="PlanLog"/>). Watchers look twice a second.
/// </remarks>
/// <param name="folder">The folder; made when first written.</param>
/// <param name="time">Clock of the waits.</param>
public sealed class FilePlanStore(string folder, TimeProvider time) : IPlanStore
{
    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(500);
    private readonly SemaphoreSlim _turn = new(1);
    private readonly TaskCompletionSource _lost = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private FileStream? _lock;
    private PlanLog? _log;

    private string LogPath => Path.Combine(folder, "plans.log");

    private string LockPath => Path.Combine(folder, "plans.lock");

    /// <inheritdoc/>
    public async Task<Leadership> CampaignAsync(string candidate, CancellationToken cancellationToken)
    {
        while (true)
        {
            if (TryLock())
            {
                try
                {
                    _log = PlanLog.Open(LogPath);
                    return new Leadership(_log.BeginTerm(), _lost.Task);
                }
                catch
                {
                    await DisposeAsync().ConfigureAwait(false);
                    throw;
                }
            }

            await Task.Delay(Look, time, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <inheritdoc/>
    public async Task AppendAsync(StoredPlan plan, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(plan);
        await _turn.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            PlanLog log = _log ?? throw new ClusterException(ClusterFault.Superseded, $"Plan {plan.Epoch} can't be added: this process doesn't lead.");
            PlanOrder.ThrowIfStale(plan, log.Term, log.Latest?.Epoch ?? default);
            log.Append(plan);
        }
        finally
        {
            _turn.Release();
        }
    }

    /// <inheritdoc/>
    public Task<StoredPlan?> ReadLatestAsync(CancellationToken cancellationToken) =>
        Task.FromResult(_log is { } log ? log.Latest : PlanLog.ReadLatest(LogPath));

    /// <inheritdoc/>
    public async IAsyncEnumerable<StoredPlan> WatchAsync(PlanEpoch after, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        (long Length, DateTime Written) seen = default;
        while (true)
        {
            var file = new FileInfo(LogPath);
            (long Length, DateTime Written) now = file.Exists ? (file.Length, file.LastWriteTimeUtc) : default;
            if (now != seen)
            {
                seen = now;
                foreach (StoredPlan plan in PlanLog.Read(LogPath))
                {
                    if (plan.Epoch > after)
                    {
                        yield return plan;
                        after = plan.Epoch;
                    }
                }
            }

            await Task.Delay(Look, time, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync()
    {
        _lost.TrySetResult();
        Interlocked.Exchange(ref _log, null)?.Dispose();
        Interlocked.Exchange(ref _lock, null)?.Dispose();
        return ValueTask.CompletedTask;
    }

    private bool TryLock()
    {
        try
        {
            Directory.CreateDirectory(folder);
            _lock = new FileStream(LockPath, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
            return true;
        }
        catch (UnauthorizedAccessException e)
        {
            throw new ClusterException(ClusterFault.PlanStoreUnavailable, $"{LockPath} can't be opened: {e.Message} Let this user write there, or choose another folder with --data.", e);
        }
        catch (IOException) when (File.Exists(LockPath))
        {
            return false;
        }
        catch (IOException e)
        {
            throw new ClusterException(ClusterFault.PlanStoreUnavailable, $"{LockPath} can't be made: {e.Message} Make room, or choose another folder with --data.", e);
        }
    }
}
