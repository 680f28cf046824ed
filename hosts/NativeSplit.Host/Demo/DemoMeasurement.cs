using NativeSplit.Cluster.Messages;
using NativeSplit.Cluster.Routes;
using NativeSplit.Transport.Links;

namespace NativeSplit.Host.Demo;

/// <summary>Sums of a cluster at one moment. Differences of two give what happened between.</summary>
/// <param name="GatewayBytes">Bytes on the gateway's links, both ways.</param>
/// <param name="ForwardedBytes">Bytes that workers sent to workers.</param>
/// <param name="Route">Steps and their time.</param>
/// <param name="Workers">Batches run and time in the executor, by stage.</param>
internal sealed record DemoMeasurement(long GatewayBytes, long ForwardedBytes, RouteTimings Route, IReadOnlyDictionary<ushort, WorkerSums> Workers)
{
    /// <summary>Reads the sums. The query's own bytes fall before the link counts are read.</summary>
    public static async Task<DemoMeasurement> TakeAsync(PlanDriver driver, int stages, CancellationToken cancellationToken)
    {
        IReadOnlyList<StageReport> reports = await driver.Probe.QueryStagesAsync(cancellationToken);
        Dictionary<ushort, WorkerSums> workers = [];
        long forwarded = 0;
        for (int i = 0; i < reports.Count; i++)
        {
            workers[reports[i].Stage] = new WorkerSums(reports[i].Batches, TimeSpan.FromMicroseconds(reports[i].ComputeMicroseconds));

            // The last worker of a chain sends to the gateway, whose own links count that.
            bool toWorker = reports.Any(other => other.Stage == reports[i].Stage + 1) && reports[i].Stage + 1 < stages;
            forwarded += toWorker ? reports[i].BytesForwarded : 0;
        }

        long gateway = 0;
        foreach (LinkStatistics link in driver.LinkStatistics())
        {
            gateway += link.BytesSent + link.BytesReceived;
        }

        return new DemoMeasurement(gateway, forwarded, driver.Path.Timings, workers);
    }
}

/// <summary>Sums of one worker's stage.</summary>
/// <param name="Batches">Batches run.</param>
/// <param name="Compute">Time in the executor.</param>
internal readonly record struct WorkerSums(long Batches, TimeSpan Compute);

/// <summary>What one decode step costs in the cluster.</summary>
/// <param name="Steps">Decode steps that were timed.</param>
/// <param name="BytesPerToken">Bytes on all links for one token, sealed frames whole.</param>
/// <param name="StepTime">Mean time of a step.</param>
/// <param name="GatewayCompute">Part of it in the gateway's executors.</param>
/// <param name="WorkerCompute">Part of it in the workers' executors, by stage.</param>
/// <param name="HopTime">The rest, divided by the hops: sealing, socket, opening, and waking the next stage.</param>
internal sealed record DemoFigures(long Steps, double BytesPerToken, TimeSpan StepTime, TimeSpan GatewayCompute, IReadOnlyDictionary<ushort, TimeSpan> WorkerCompute, TimeSpan HopTime)
{
    /// <summary>
    /// Times come from the decode steps alone: of the sums at the end, those noted when the first token was out are taken off. Bytes
    /// come from a whole run less a run of its prefill alone, each with one measurement in it: the messages around a run cancel.
    /// </summary>
    /// <param name="start">Before a run of the prefill alone.</param>
    /// <param name="prefilled">After it, before the whole run.</param>
    /// <param name="decoding">In the whole run, once its first token was out.</param>
    /// <param name="end">After the whole run.</param>
    /// <param name="hops">Links that a step crosses.</param>
    public static DemoFigures Of(DemoMeasurement start, DemoMeasurement prefilled, DemoMeasurement decoding, DemoMeasurement end, int hops)
    {
        long steps = end.Route.Steps - decoding.Route.Steps;
        TimeSpan stepTime = Mean(end.Route.StepTime - decoding.Route.StepTime, steps);
        TimeSpan local = Mean(end.Route.LocalTime - decoding.Route.LocalTime, steps);

        // Each worker was asked at a moment of its own, so each mean is over its own steps.
        Dictionary<ushort, TimeSpan> compute = end.Workers.ToDictionary(
            worker => worker.Key,
            worker => Mean(worker.Value.Compute - decoding.Workers[worker.Key].Compute, worker.Value.Batches - decoding.Workers[worker.Key].Batches));
        TimeSpan workers = compute.Values.Aggregate(TimeSpan.Zero, (sum, time) => sum + time);

        long tokens = end.Route.Steps - prefilled.Route.Steps - (prefilled.Route.Steps - start.Route.Steps);
        long bytes = BytesOf(end) - BytesOf(prefilled) - (BytesOf(prefilled) - BytesOf(start));
        return new DemoFigures(steps, bytes / (double)Math.Max(tokens, 1), stepTime, local, compute, (stepTime - local - workers) / hops);
    }

    private static long BytesOf(DemoMeasurement sums) => sums.GatewayBytes + sums.ForwardedBytes;

    private static TimeSpan Mean(TimeSpan sum, long count) => count <= 0 ? TimeSpan.Zero : sum / count;
}
