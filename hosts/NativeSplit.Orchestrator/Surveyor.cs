using Microsoft.Extensions.Logging;
using NativeSplit.Cluster;
using NativeSplit.Cluster.Capacity;
using NativeSplit.Cluster.Routes;
using NativeSplit.Placement;
using NativeSplit.Placement.Problems;

namespace NativeSplit.Orchestrator;

/// <summary>What a survey of one worker found.</summary>
/// <param name="Node">The worker.</param>
/// <param name="Reading">What it said.</param>
/// <param name="Here">The way from the gateway to it.</param>
internal sealed record Survey(NodeId Node, NodeReading Reading, LinkFacts Here);

/// <summary>Surveys workers one after the other: a newcomer first, then whoever was surveyed longest ago. For one caller.</summary>
/// <remarks>One at a time, because surveys load links and processors, and two at once would measure each other.</remarks>
internal sealed class Surveyor(PlanDriver driver, OrchestratorOptions options, ILogger log)
{
    private readonly Dictionary<NodeId, TimeSpan> _surveyed = [];
    private Task<Survey?>? _running;

    /// <summary>Starts a survey if one is due and none runs, and gives what the last one found, once.</summary>
    /// <param name="joined">Workers that are here.</param>
    /// <param name="busy">Workers whose stages have run of late: their layers aren't measured, which would disturb them.</param>
    /// <param name="now">Time.</param>
    /// <param name="cancellationToken">Ends a survey.</param>
    public Survey? Step(IReadOnlyList<NodeId> joined, IReadOnlySet<NodeId> busy, TimeSpan now, CancellationToken cancellationToken)
    {
        if (_running is { IsCompleted: false })
        {
            return null;
        }

        Survey? found = _running is { IsCompletedSuccessfully: true } done ? done.Result : null;
        _running = null;
        foreach (NodeId gone in _surveyed.Keys.Except(joined).ToArray())
        {
            _surveyed.Remove(gone);
        }

        NodeId[] due = [.. joined.Where(node => !_surveyed.TryGetValue(node, out TimeSpan last) || now - last >= options.SurveyInterval).OrderBy(node => _surveyed.TryGetValue(node, out TimeSpan last) ? last : TimeSpan.MinValue)];
        if (due.Length > 0)
        {
            _surveyed[due[0]] = now;
            _running = RunAsync(due[0], [.. joined.Where(node => node != due[0])], !busy.Contains(due[0]), cancellationToken);
        }

        return found;
    }

    /// <summary>Ends when no survey runs.</summary>
    public async Task WhenIdleAsync()
    {
        if (_running is { } running)
        {
            await ((Task)running).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private async Task<Survey?> RunAsync(NodeId node, IReadOnlyList<NodeId> peers, bool measureLayers, CancellationToken cancellationToken)
    {
        await Task.Yield();
        try
        {
            NodeReading reading = await driver.Probe.ReadNodeAsync(node, measureLayers, peers, options.SurveyPatience, cancellationToken).ConfigureAwait(false);
            return new Survey(node, reading, await driver.Probe.MeasureLinkAsync(node, options.SurveyPatience, cancellationToken).ConfigureAwait(false));
        }
        catch (ClusterException e)
        {
            log.LogWarning("The survey of {Node} failed: {Reason}", node, e.Message);
            return null;
        }
        catch (OperationCanceledException)
        {
            return null;
        }
    }
}
