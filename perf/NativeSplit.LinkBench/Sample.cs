using System.Diagnostics;

namespace NativeSplit.LinkBench;

/// <summary>One repetition on one lane.</summary>
/// <param name="P50">Median of a hop, in µs.</param>
/// <param name="P99">99th percentile of a hop, in µs.</param>
/// <param name="BytesPerSecond">Rate of messages that follow each other one way, until the last is acknowledged.</param>
internal readonly record struct Sample(double P50, double P99, double BytesPerSecond)
{
    /// <summary>Measures.</summary>
    /// <param name="lane">The way to the peer.</param>
    /// <param name="size">Bytes of a message.</param>
    /// <param name="rounds">Round trips.</param>
    public static async Task<Sample> TakeAsync(ILane lane, int size, int rounds)
    {
        double[] hops = new double[rounds];
        for (int i = 0; i < rounds; i++)
        {
            long start = Stopwatch.GetTimestamp();
            await lane.SendAsync(size).ConfigureAwait(false);
            await lane.ReceiveAsync().ConfigureAwait(false);
            hops[i] = Stopwatch.GetElapsedTime(start).TotalMicroseconds / 2;
        }

        Array.Sort(hops);
        int messages = Math.Min(rounds, Program.MaxStream - 1);
        await lane.SendAsync(Peer.MarkBytes + messages).ConfigureAwait(false);
        await lane.ReceiveAsync().ConfigureAwait(false);
        long first = Stopwatch.GetTimestamp();
        for (int i = 0; i < messages; i++)
        {
            await lane.SendAsync(size).ConfigureAwait(false);
        }

        await lane.ReceiveAsync().ConfigureAwait(false);
        double seconds = Stopwatch.GetElapsedTime(first).TotalSeconds;
        return new Sample(hops[rounds / 2], hops[rounds * 99 / 100], (double)messages * size / seconds);
    }

    /// <summary>Median of some values.</summary>
    public static double Median(double[] values)
    {
        Array.Sort(values);
        return values.Length % 2 == 1 ? values[values.Length / 2] : (values[(values.Length / 2) - 1] + values[values.Length / 2]) / 2;
    }
}
