using NativeSplit.Kernels.Formats;

namespace NativeSplit.Kernels.Ilgpu.Tests;

/// <summary>Products against the scalar set's weights in double precision, and the promise that the batch doesn't matter.</summary>
public sealed class MultiplyTests
{
    private const int Rows = 5;

    private static readonly KernelSet Scalar = KernelCatalog.All.Single(set => set.Name == "scalar");

    public static TheoryData<string, WeightType> Cases
    {
        get
        {
            TheoryData<string, WeightType> cases = [];
            foreach (string device in (string[])["emulator", "opencl", "cuda"])
            {
                foreach (WeightType type in DeviceKernels.SupportedTypes)
                {
                    cases.Add(device, type);
                }
            }

            return cases;
        }
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Multiply_IsWithinRoundingOfDouble_ForOneInputAndMany(string name, WeightType type)
    {
        ComputeDevice device = TestDevices.OrSkip(name);
        var random = new Random(31);
        foreach (int columns in name == "emulator" ? ColumnsFor(type)[..1] : ColumnsFor(type))
        {
            var (region, matrix) = RandomWeights.Matrix(random, type, Rows, columns);
            using (region)
            {
                const int Inputs = 11;
                float[] x = RandomWeights.Floats(random, Inputs * columns);
                float[] wide = Run(device, matrix, x, Inputs, null, Epilogue.Store, new float[Inputs * Rows]);
                AssertWithinBound(matrix, x, wide);

                // One input takes the other kernel, and must give the same bits.
                for (int t = 0; t < Inputs; t += 5)
                {
                    float[] one = Run(device, matrix, x[(t * columns)..((t + 1) * columns)], 1, null, Epilogue.Store, new float[Rows]);
                    Assert.Equal(wide[(t * Rows)..((t + 1) * Rows)], one);
                }
            }
        }
    }

    [Theory]
    [MemberData(nameof(TestDevices.Names), MemberType = typeof(TestDevices))]
    public void Multiply_AppliesBiasAndEpilogue(string name)
    {
        ComputeDevice device = TestDevices.OrSkip(name);
        var random = new Random(32);
        const int Columns = 64;
        const int Inputs = 3;
        var (region, matrix) = RandomWeights.Matrix(random, WeightType.F16, Rows, Columns);
        using (region)
        {
            float[] x = RandomWeights.Floats(random, Inputs * Columns);
            float[] bias = RandomWeights.Floats(random, Rows);
            float[] before = RandomWeights.Floats(random, Inputs * Rows, 3f);
            float[] plain = Run(device, matrix, x, Inputs, null, Epilogue.Store, new float[Inputs * Rows]);
            float[] stored = Run(device, matrix, x, Inputs, bias, Epilogue.Store, before);
            float[] added = Run(device, matrix, x, Inputs, bias, Epilogue.Add, before);
            float[] gated = Run(device, matrix, x, Inputs, null, Epilogue.Gate, before);
            float[] gate = new float[before.Length];
            Scalar.SiluMultiply(before, plain, gate);
            for (int i = 0; i < plain.Length; i++)
            {
                Assert.Equal(plain[i] + bias[i % Rows], stored[i]);
                Assert.Equal(before[i] + (plain[i] + bias[i % Rows]), added[i]);

                // exp is off by at most 2 units of the last place, as is the processor's; then three roundings on each side.
                Assert.True(Math.Abs(gate[i] - gated[i]) <= 10 * Math.ScaleB(1, -24) * Math.Abs(gate[i]), $"{gate[i]} {gated[i]}");
            }
        }
    }

    [Theory]
    [MemberData(nameof(TestDevices.Names), MemberType = typeof(TestDevices))]
    public void Upload_Refuses_WhatTheKernelsCannotTake(string name)
    {
        ComputeDevice device = TestDevices.OrSkip(name);
        var (unknown, q5) = RandomWeights.Matrix(new Random(33), WeightType.Q5_0, 2, 32);
        var (odd, narrow) = RandomWeights.Matrix(new Random(33), WeightType.F32, 2, 12);
        using DeviceMemory memory = device.CreateMemory();
        using (unknown)
        using (odd)
        {
            var type = Assert.Throws<DeviceException>(() => memory.Upload(q5, "a test"));
            Assert.Equal(DeviceFault.UnsupportedType, type.Fault);
            Assert.Contains("Q5_0", type.Message, StringComparison.Ordinal);
            Assert.Contains("Q4_K", type.Message, StringComparison.Ordinal);
            Assert.Equal(DeviceFault.UnsupportedShape, Assert.Throws<DeviceException>(() => memory.Upload(narrow, "a test")).Fault);
        }
    }

    private static int[] ColumnsFor(WeightType type) => BlockFormat.Of(type).BlockLength switch
    {
        1 => [8, 40, 352],
        32 => [32, 96, 352],
        _ => [256, 768],
    };

    private static float[] Run(ComputeDevice device, WeightMatrix matrix, float[] x, int inputs, float[]? bias, Epilogue epilogue, float[] y)
    {
        using DeviceMemory memory = device.CreateMemory();
        DeviceMatrix weights = memory.Upload(matrix, "a test");
        DeviceArray<float> input = memory.Upload(x, "a test");
        DeviceArray<float> output = memory.Upload(y, "a test");
        DeviceArray<float>? added = bias is null ? null : memory.Upload(bias, "a test");
        using (device.Enter())
        {
            device.Kernels.Multiply(weights, input, inputs, added, output, epilogue);
        }

        float[] result = new float[y.Length];
        memory.Read(output, 0, result);
        return result;
    }

    private static void AssertWithinBound(WeightMatrix matrix, float[] x, float[] y)
    {
        float[] row = new float[matrix.Columns];
        for (int r = 0; r < Rows; r++)
        {
            Scalar.DequantizeRow(matrix, r, row);
            for (int t = 0; t < y.Length / Rows; t++)
            {
                double sum = 0, magnitude = 0;
                for (int c = 0; c < row.Length; c++)
                {
                    double term = (double)row[c] * x[(t * row.Length) + c];
                    sum += term;
                    magnitude += Math.Abs(term);
                }

                // n·eps·Σ|w·x| (Higham 2002, eq. 3.5), and as much again: weights are unpacked with up to two roundings that may be fused.
                double tolerance = (row.Length + 4) * Math.ScaleB(1, -24) * magnitude;
                Assert.True(Math.Abs(sum - y[(t * Rows) + r]) <= tolerance, $"{matrix.Format.Type} [{row.Length}] row {r} input {t}: {sum} {y[(t * Rows) + r]}");
            }
        }
    }
}
