using System.Diagnostics;
using NativeSplit.Host.Composition;

namespace NativeSplit.Host.Bench;

/// <summary>Loads a model with so many threads, runs every test, and measures the memory around it.</summary>
internal static class BenchRunner
{
    public static async Task<BenchGroup> RunAsync(string path, Compute compute, BenchPlan plan, CancellationToken cancellationToken)
    {
        double before = MeasureBandwidth(compute);
        GC.Collect();
        MachineFacts.ResetPeakMemory();

        long start = Stopwatch.GetTimestamp();
        string backend;
        TimeSpan load;
        long bytesPerStep;
        long layerParameters;
        long headParameters;
        long? peak;
        List<(BenchTest Test, BenchSample[] Samples)> runs = [];
        using (LoadedModel model = LoadedModel.Open(path, compute))
        {
            if (plan.Tests.FirstOrDefault(test => test.Positions > model.Shape.ContextLength) is { Tokens: > 0 } tooLong)
            {
                throw new UsageException($"{tooLong.Name} needs {tooLong.Positions} positions; the model has {model.Shape.ContextLength}.");
            }

            await using var session = new BenchSession(model, plan);
            load = Stopwatch.GetElapsedTime(start);
            backend = session.Backend;
            bytesPerStep = model.BytesPerStep;
            layerParameters = model.LayerParameters;
            headParameters = (long)model.Shape.VocabularySize * model.Shape.HiddenSize;
            foreach (BenchTest test in plan.Tests)
            {
                await session.WarmUpAsync(test, cancellationToken);
                var samples = new BenchSample[plan.Repetitions];
                for (int i = 0; i < samples.Length; i++)
                {
                    samples[i] = await session.RunAsync(test, cancellationToken);
                }

                runs.Add((test, samples));
            }

            peak = MachineFacts.PeakMemoryBytes;
        }

        double bandwidth = Math.Max(before, MeasureBandwidth(compute));
        return new BenchGroup(compute.Threads, backend, load, bandwidth, peak, [.. runs.Select(run => new BenchResult
        {
            Test = run.Test,
            Threads = compute.Threads,
            Samples = run.Samples,
            BytesPerStep = bytesPerStep,
            OperationsPerToken = 2 * (layerParameters + (run.Test.IsPrefill ? 0 : headParameters)),
            ReadBandwidth = bandwidth,
        })]);
    }

    // The layers' weights lie on the device, so its memory is the one to compare with.
    private static double MeasureBandwidth(Compute compute)
    {
        if (compute.Device is not { } id)
        {
            return ReadBandwidth.Measure(compute.Threads);
        }

        using DeviceLease lease = DeviceLease.Take(id);
        return DeviceBandwidth.Measure(lease.Device);
    }
}
