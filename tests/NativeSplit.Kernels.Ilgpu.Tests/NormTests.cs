namespace NativeSplit.Kernels.Ilgpu.Tests;

public sealed class NormTests
{
    [Theory]
    [MemberData(nameof(TestDevices.Names), MemberType = typeof(TestDevices))]
    public void RmsNorm_IsWithinRoundingOfDouble_ForEveryWidth(string name)
    {
        ComputeDevice device = TestDevices.OrSkip(name);
        device.Kernels.Prepare();
        var random = new Random(51);
        foreach (int n in (int[])[1, 63, 64, 200])
        {
            const int Rows = 3;
            const float Epsilon = 1e-5f;
            float[] x = RandomWeights.Floats(random, Rows * n, 2f);
            float[] gain = RandomWeights.Floats(random, n);
            using DeviceMemory memory = device.CreateMemory();
            DeviceArray<float> source = memory.Upload(x, "a test");
            DeviceArray<float> gains = memory.Upload(gain, "a test");
            DeviceArray<float> destination = memory.AllocateFloats(x.Length, "a test");
            using (device.Enter())
            {
                device.Kernels.RmsNorm(source, gains, Epsilon, Rows, destination);
            }

            float[] y = new float[x.Length];
            memory.Read(destination, 0, y);
            for (int row = 0; row < Rows; row++)
            {
                double squares = 0;
                for (int i = 0; i < n; i++)
                {
                    squares += (double)x[(row * n) + i] * x[(row * n) + i];
                }

                double inverse = 1 / Math.Sqrt((squares / n) + Epsilon);
                for (int i = 0; i < n; i++)
                {
                    double expected = x[(row * n) + i] * inverse * gain[i];

                    // The sum of n squares is off by n·eps, relative; half of that remains after the root. Then six roundings,
                    // and OpenCL allows a division 2.5 and a root 3 units of the last place (table of section 7.4).
                    double tolerance = ((n / 2.0) + 14) * Math.ScaleB(1, -24) * Math.Abs(expected);
                    Assert.True(Math.Abs(expected - y[(row * n) + i]) <= tolerance, $"n {n} row {row} element {i}: {expected} {y[(row * n) + i]}");
                }
            }
        }
    }
}
