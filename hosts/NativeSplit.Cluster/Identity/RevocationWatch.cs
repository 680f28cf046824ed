using Microsoft.Extensions.Logging;
using NativeSplit.Placement;

namespace NativeSplit.Cluster.Identity;

/// <summary>Drops the open links of nodes whose certificates are revoked while the gateway runs, and tells the others. New links are refused in the handshake.</summary>
public sealed class RevocationWatch : IAsyncDisposable
{
    /// <summary>How often the registry is looked at.</summary>
    public static readonly TimeSpan Interval = TimeSpan.FromSeconds(2);

    private readonly NodeRegistry _nodes;
    private readonly Action<NodeId, string> _drop;
    private readonly Action<IReadOnlyList<string>>? _announce;
    private readonly ILogger _log;
    private readonly HashSet<string> _known = [];
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _loop;

    /// <summary>Starts to watch.</summary>
    /// <param name="nodes">Certificates given out.</param>
    /// <param name="drop">Drops the links of a node, with the reason.</param>
    /// <param name="log">Told of each revocation.</param>
    /// <param name="time">Clock of the interval.</param>
    /// <param name="announce">Tells the workers that are here the serial numbers of what was just revoked; null: nobody does.</param>
    public RevocationWatch(NodeRegistry nodes, Action<NodeId, string> drop, ILogger log, TimeProvider time, Action<IReadOnlyList<string>>? announce = null)
    {
        (_nodes, _drop, _log, _announce) = (nodes, drop, log, announce);
        _loop = WatchAsync(time);
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync().ConfigureAwait(false);
        await _loop.ConfigureAwait(false);
        _stop.Dispose();
    }

    private async Task WatchAsync(TimeProvider time)
    {
        using var timer = new PeriodicTimer(Interval, time);
        try
        {
            while (await timer.WaitForNextTickAsync(_stop.Token).ConfigureAwait(false))
            {
                Look();
            }
        }
        catch (OperationCanceledException)
        {
            // Stopping.
        }
    }

    private void Look()
    {
        try
        {
            IssuedCertificate[] revoked = [.. _nodes.List().Where(certificate => certificate.Revoked is not null && _known.Add(certificate.Serial))];
            if (revoked.Length > 0)
            {
                _announce?.Invoke([.. revoked.Select(certificate => certificate.Serial)]);
            }

            foreach (IssuedCertificate certificate in revoked)
            {
                _log.LogWarning("The certificate {Serial} of {Node} was revoked.", certificate.Serial, certificate.Node);
                _drop(new NodeId(certificate.Node), $"The certificate of {certificate.Node} was revoked.");
            }
        }
        catch (Exception e) when (e is ClusterException or ArgumentException)
        {
            // Handshakes refuse everybody meanwhile; open links go on.
            _log.LogError("{Reason}", e.Message);
        }
    }
}
