using NativeSplit.Cluster.Links;
using NativeSplit.Cluster.Messages;

namespace NativeSplit.Cluster.Capacity;

/// <summary>Measures a link from this end: its delay by empty probes, its rate by padded ones.</summary>
public static class LinkProbe
{
    private const int FirstPadding = 8 << 10;
    private const int LastPadding = 1 << 20;
    private const int EmptyProbes = 5;
    private const int PaddedProbes = 3;

    /// <summary>Rate given where padding makes no difference that can be measured, in bytes per second.</summary>
    private const long RateCeiling = 10_000_000_000;

    private static readonly TimeSpan Clear = TimeSpan.FromMilliseconds(3);

    /// <summary>Measures. On a slow link 8 KiB are sent a few times, on a fast one up to 1 MiB.</summary>
    /// <param name="link">The link; both ends receive.</param>
    /// <param name="patience">Time for it all.</param>
    /// <param name="time">Clock of that time.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="ClusterException"><see cref="ClusterFault.NodeLost"/>: no echo in time, or the link is dead.</exception>
    public static async Task<LinkQuality> MeasureAsync(PeerConnection link, TimeSpan patience, TimeProvider time, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(link);
        using var late = new CancellationTokenSource(patience, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(late.Token, cancellationToken);
        try
        {
            TimeSpan empty = await LeastAsync(link, 0, EmptyProbes, either.Token).ConfigureAwait(false);
            int padding = FirstPadding;
            TimeSpan extra = await LeastAsync(link, padding, PaddedProbes, either.Token).ConfigureAwait(false) - empty;
            while (extra < Clear && padding < LastPadding)
            {
                padding = Math.Min(padding * 8, LastPadding);
                extra = await LeastAsync(link, padding, PaddedProbes, either.Token).ConfigureAwait(false) - empty;
            }

            double rate = extra > TimeSpan.Zero ? padding / extra.TotalSeconds : RateCeiling;
            return new LinkQuality(link.Peer.Uri, (long)(empty / 2).TotalMicroseconds, (long)Math.Clamp(rate, 1, RateCeiling));
        }
        catch (OperationCanceledException) when (late.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
        {
            throw new ClusterException(ClusterFault.NodeLost, $"{link.Peer.Node} answered no probe within {patience.TotalSeconds:0.#} s.");
        }
    }

    private static async Task<TimeSpan> LeastAsync(PeerConnection link, int padding, int count, CancellationToken cancellationToken)
    {
        TimeSpan least = TimeSpan.MaxValue;
        for (int i = 0; i < count; i++)
        {
            TimeSpan round = await link.ProbeAsync(padding, cancellationToken).ConfigureAwait(false);
            least = round < least ? round : least;
        }

        return least;
    }
}
