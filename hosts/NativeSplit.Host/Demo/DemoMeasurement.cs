using NativeSplit.Cluster.Messages;
using NativeSplit.Cluster.Routes;
using NativeSplit.Transport.Links;

namespace NativeSplit.Host.Demo;

/// <summary>Sums of a cluster at one moment. Differences of two give what happened between.</summary>
/// <param name="GatewayBytes">Bytes on the gateway's links, both ways.</param>
/// <param name="ForwardedBytes">Bytes that workers sent to workers.</param>
/// <param name="Route">Steps and their time.</param>
/// <param name="WorkerCompute">Time in the workers' executors, by stage.</param>
internal sealed record DemoMeasurement(long GatewayBytes, long ForwardedBytes, RouteTimings Route, IReadOnlyDictionary<ushort, TimeSpan> WorkerCompute)
{
    /// <summary>Reads the sums. The query's own bytes fall before the link counts are read.</summary>
    public static async Task<DemoMeasurement> TakeAsync(PlanDriver driver, int stages, CancellationToken cancellationToken)
    {
        IReadOnlyList<StageReport> reports = await driver.QueryStagesAsync(cancellationToken);
        Dictionary<ushort, TimeSpan> compute = [];
        long forwarded = 0;
        for (int i = 0; i < reports.Count; i++)
        {
            compute[reports[i].Stage] = TimeSpan.FromMicroseconds(reports[i].ComputeMicroseconds);

            // The last worker of a chain sends to the gateway, whose own links count that.
            bool toWorker = reports.Any(other => other.Stage == reports[i].Stage + 1) && reports[i].Stage + 1 < stages;
            forwarded += toWorker ? reports[i].BytesForwarded : 0;
        }

        long gateway = 0;
        foreach (LinkStatistics link in driver.LinkStatistics())
        {
            gateway += link.BytesSent + link.BytesReceived;
        }

        return new DemoMeasurement(gateway, forwarded, driver.Path.Timings, compute);
    }
}

/// <summary>What one decode step costs in the cluster, from a whole run less a run of its prefill alone.</summary>
/// <param name="Steps">Decode steps measured.</param>
/// <param name="BytesPerToken">Bytes on all links for one token, sealed frames whole.</param>
/// <param name="StepTime">Mean time of a step.</param>
/// <param name="GatewayCompute">Part of it in the gateway's executors.</param>
/// <param name="WorkerCompute">Part of it in the workers' executors, by stage.</param>
/// <param name="HopTime">The rest, divided by the hops: sealing, socket, opening, and waking the next stage.</param>
internal sealed record DemoFigures(long Steps, double BytesPerToken, TimeSpan StepTime, TimeSpan GatewayCompute, IReadOnlyDictionary<ushort, TimeSpan> WorkerCompute, TimeSpan HopTime)
{
    /// <param name="start">Before the prefill alone.</param>
    /// <param name="prefilled">After it, before the whole run.</param>
    /// <param name="end">After the whole run.</param>
    /// <param name="hops">Links that a step crosses.</param>
    public static DemoFigures Of(DemoMeasurement start, DemoMeasurement prefilled, DemoMeasurement end, int hops)
    {
        long steps = end.Route.Steps - prefilled.Route.Steps - (prefilled.Route.Steps - start.Route.Steps);
        double count = Math.Max(steps, 1);
        double bytes = Net(m => m.GatewayBytes + m.ForwardedBytes);
        TimeSpan stepTime = TimeSpan.FromTicks((long)(Net(m => m.Route.StepTime.Ticks) / count));
        TimeSpan local = TimeSpan.FromTicks((long)(Net(m => m.Route.LocalTime.Ticks) / count));
        Dictionary<ushort, TimeSpan> compute = end.WorkerCompute.Keys.ToDictionary(
            stage => stage, stage => TimeSpan.FromTicks((long)(Net(m => m.WorkerCompute[stage].Ticks) / count)));
        TimeSpan workers = compute.Values.Aggregate(TimeSpan.Zero, (sum, time) => sum + time);
        return new DemoFigures(steps, bytes / count, stepTime, local, compute, (stepTime - local - workers) / hops);

        double Net(Func<DemoMeasurement, long> sum) => sum(end) - sum(prefilled) - (sum(prefilled) - sum(start));
    }
}
