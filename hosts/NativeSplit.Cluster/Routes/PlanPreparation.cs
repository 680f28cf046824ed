using System.Net;
using NativeSplit.Cluster.Links;
using NativeSplit.Cluster.Messages;
using NativeSplit.Cluster.Plans;
using NativeSplit.Placement;
using NativeSplit.Transport.Links;

namespace NativeSplit.Cluster.Routes;

/// <summary>A worker that has joined.</summary>
/// <param name="Connection">Its link.</param>
/// <param name="Hello">What it said of itself.</param>
internal sealed record JoinedWorker(PeerConnection Connection, NodeHello Hello)
{
    /// <summary>Where other workers reach it.</summary>
    public NextHop Address => new(Connection.Peer.Uri, Hello.AdvertisedHost ?? ((IPEndPoint)Connection.RemoteEndPoint).Address.ToString(), Hello.Port);
}

/// <summary>Gets every stage of one plan ready, beside whatever is in force; nothing runs on it yet.</summary>
/// <param name="options">What the driver was given.</param>
/// <param name="next">The plan with its epoch.</param>
/// <param name="signed">The same, signed: every worker is told.</param>
/// <param name="before">The plan in force, whose stages have the KV pages of running sequences; null when there is none.</param>
/// <param name="workers">Joined workers; all that the plan names.</param>
/// <param name="questions">Takes the answers.</param>
internal sealed class PlanPreparation(PlanDriverOptions options, EpochPlan next, SignedPlan signed, EpochPlan? before, IReadOnlyDictionary<NodeId, JoinedWorker> workers, StageQuestions questions)
{
    /// <summary>Prepares the stages.</summary>
    /// <returns>The route, owned by the caller, and what to tell of its stages.</returns>
    /// <exception cref="ClusterException">A worker refused its part, or was lost. Local executors are disposed; workers are to be told to retire.</exception>
    public async Task<(Route Route, IReadOnlyList<StageStatus> Statuses)> RunAsync(CancellationToken cancellationToken)
    {
        Publish();

        // Every answer is awaited, also past a refusal, so that none is left over for the next attempt.
        StageReady?[] ready = await Task.WhenAll(Enumerable.Range(0, next.Plan.Segments.Count).Select(index => AssignAsync(index, cancellationToken))).ConfigureAwait(false);
        List<RouteStage> stages = [];
        List<StageStatus> statuses = [];
        try
        {
            for (int i = 0; i < ready.Length; i++)
            {
                PlanSegment segment = next.Plan.Segments[i];
                if (ready[i] is { } remote)
                {
                    stages.Add(new RouteStage(segment.Layers, segment.Node, null, workers[segment.Node].Connection));
                    statuses.Add(new StageStatus(segment.Layers, segment.Node, PeerText.Clean(remote.Backend), remote.WeightBytes));
                }
                else
                {
                    var executor = options.Executors(segment.Layers, options.Route.KvTokens, options.Route.MaxRows);
                    stages.Add(new RouteStage(segment.Layers, segment.Node, executor, null));
                    statuses.Add(new StageStatus(segment.Layers, segment.Node, executor.Backend, 0));
                }
            }

            return (new Route(next.Epoch, stages), statuses);
        }
        catch
        {
            stages.ForEach(stage => stage.Local?.Dispose());
            throw;
        }
    }

    /// <summary>
    /// Tells every worker of the plan, also those that it gives nothing: all must know the highest one. Not awaited, for what follows on a link comes after it,
    /// and a worker that is lost is noticed by what awaits it.
    /// </summary>
    private void Publish()
    {
        var message = new PublishPlan { Plan = Convert.ToBase64String(signed.Bytes.Span) };
        foreach (JoinedWorker worker in workers.Values)
        {
            _ = TellAsync(worker.Connection, message);
        }
    }

    private static async Task TellAsync(PeerConnection worker, PublishPlan message)
    {
        try
        {
            await worker.SendAsync(message, CancellationToken.None).ConfigureAwait(false);
        }
        catch (Exception e) when (e is LinkException or ObjectDisposedException)
        {
            // Lost: the driver is told by the end of the link.
        }
    }

    /// <summary>Assigns a segment to its worker; null when it is the gateway's own.</summary>
    private async Task<StageReady?> AssignAsync(int index, CancellationToken cancellationToken)
    {
        PlanSegment segment = next.Plan.Segments[index];
        if (segment.Node == options.Self)
        {
            return null;
        }

        PeerConnection worker = workers[segment.Node].Connection;
        if (workers[segment.Node].Hello.WeightKey is { } weightKey)
        {
            options.GrantWeights?.Invoke(segment.Node, weightKey, segment.Layers);
        }

        var assignment = new AssignStage
        {
            Epoch = next.Epoch.Value,
            Stage = (ushort)index,
            LayerStart = segment.Layers.Start,
            LayerEnd = segment.Layers.End,
            ModelFingerprint = options.ModelFingerprint,
            Encoding = (byte)options.Route.Encoding,
            MaxRows = options.Route.MaxRows,
            MaxSequences = options.Route.MaxSequences,
            KvTokens = options.Route.KvTokens,
            Previous = PreviousOf(index),
            Next = NextHopOf(index),
            KvSources = KvSourcesOf(segment),
        };
        try
        {
            return await questions.AskAsync(worker, assignment, options.PrepareTimeout, cancellationToken).ConfigureAwait(false) switch
            {
                StageReady answer when answer.KvTokens >= assignment.KvTokens => answer,
                StageReady answer => throw new ClusterException(ClusterFault.StageRefused, $"{segment.Node} holds {answer.KvTokens} positions of KV cache, {assignment.KvTokens} were asked for."),
                StageRefused refusal => throw new ClusterException(ClusterFault.StageRefused, $"{segment.Node} can't run layers {segment.Layers}: {PeerText.Clean(refusal.Reason)}"),
                _ => throw new ClusterException(ClusterFault.Protocol, $"{segment.Node} answered an assignment with something else."),
            };
        }
        catch (ClusterException e) when (e.Fault == ClusterFault.NodeLost)
        {
            // Its end is the event that leads to the next attempt: a worker that lives joins anew.
            worker.Drop(e.Message);
            throw;
        }
    }

    private List<string> KvSourcesOf(PlanSegment segment)
    {
        List<string> sources = [];
        foreach (PlanSegment other in before?.Plan.Segments ?? [])
        {
            if (other.Layers.Start < segment.Layers.End && segment.Layers.Start < other.Layers.End && workers.TryGetValue(other.Node, out JoinedWorker? worker))
            {
                sources.Add(worker.Connection.Peer.Uri);
            }
        }

        return sources;
    }

    private string PreviousOf(int index)
    {
        NodeId? previous = index == 0 ? null : next.Plan.Segments[index - 1].Node;
        return previous is { } node && node != options.Self
            ? workers[node].Connection.Peer.Uri
            : options.Credentials.Identity;
    }

    private NextHop? NextHopOf(int index)
    {
        if (index + 1 == next.Plan.Segments.Count || next.Plan.Segments[index + 1].Node == options.Self)
        {
            return null;
        }

        return workers[next.Plan.Segments[index + 1].Node].Address;
    }
}
