using System.Diagnostics;
using NativeSplit.Kernels.Ilgpu;

namespace NativeSplit.Host.Bench;

/// <summary>How fast a device reads and writes its own memory, measured by copying: what a memory-bound step is compared with.</summary>
internal static class DeviceBandwidth
{
    private const int Elements = 64 << 20;
    private const int Copies = 8;
    private const int Rounds = 3;

    /// <summary>Bytes per second, read and written bytes counted; the best of a few rounds.</summary>
    /// <exception cref="DeviceException">The device hasn't half a gibibyte free, or failed.</exception>
    public static double Measure(ComputeDevice device)
    {
        using DeviceMemory memory = device.CreateMemory();
        DeviceArray<float> source = memory.AllocateFloats(Elements, "a measurement of its bandwidth");
        DeviceArray<float> destination = memory.AllocateFloats(Elements, "a measurement of its bandwidth");
        using ComputeDevice.Scope scope = device.Enter();
        double best = 0;
        for (int round = 0; round <= Rounds; round++)
        {
            long start = Stopwatch.GetTimestamp();
            for (int i = 0; i < Copies; i++)
            {
                device.Kernels.Copy(source, destination);
            }

            device.Synchronize();

            // The first round touches the memory for the first time.
            double rate = 2.0 * Copies * Elements * sizeof(float) / Stopwatch.GetElapsedTime(start).TotalSeconds;
            best = round == 0 ? 0 : Math.Max(best, rate);
        }

        return best;
    }
}
