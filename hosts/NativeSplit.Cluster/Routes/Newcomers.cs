using NativeSplit.Cluster.Links;
using NativeSplit.Placement;

namespace NativeSplit.Cluster.Routes;

/// <summary>Links that haven't said hello yet: one per node at most, so that a node can't heap them up. Thread-safe.</summary>
internal sealed class Newcomers
{
    private readonly Dictionary<NodeId, PeerConnection> _waiting = [];
    private readonly Lock _gate = new();

    /// <summary>Connects and enters a newcomer in one go, so that its hello can't come before. An earlier one of the same node is dropped.</summary>
    /// <param name="node">The node.</param>
    /// <param name="connect">Starts to receive.</param>
    public PeerConnection Add(NodeId node, Func<PeerConnection> connect)
    {
        PeerConnection connection;
        PeerConnection? earlier;
        lock (_gate)
        {
            connection = connect();
            _waiting.Remove(node, out earlier);
            _waiting[node] = connection;
        }

        earlier?.Drop($"{node} connected again before it said hello.");
        return connection;
    }

    /// <summary>Takes a newcomer out: it has said hello, or ended. False when it isn't one, or not any more.</summary>
    public bool TryTake(PeerConnection connection)
    {
        lock (_gate)
        {
            return _waiting.TryGetValue(connection.Peer.Node, out PeerConnection? waiting) && waiting == connection && _waiting.Remove(connection.Peer.Node);
        }
    }

    /// <summary>All that wait now.</summary>
    public IReadOnlyList<PeerConnection> ToList()
    {
        lock (_gate)
        {
            return [.. _waiting.Values];
        }
    }
}
