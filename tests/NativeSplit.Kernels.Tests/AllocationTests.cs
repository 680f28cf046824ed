using NativeSplit.Kernels.Formats;
using NativeSplit.Kernels.Tests.Kernels;
using NativeSplit.Kernels.Threading;

namespace NativeSplit.Kernels.Tests;

/// <summary>No operation allocates on the managed heap.</summary>
public sealed class AllocationTests
{
    [Theory]
    [MemberData(nameof(KernelSetCases.NamesAndTypes), MemberType = typeof(KernelSetCases))]
    public void MatrixOperations_AllocateNothing_OnceWarm(string kernels, WeightType type)
    {
        KernelSet set = KernelSetCases.Get(kernels);
        var (region, matrix) = KernelSetCases.RandomMatrix(new Random(61), type, 3, 256);
        using (region)
        {
            float[] x = new float[5 * 256];
            float[] y = new float[5 * 3];
            float[] scratch = new float[256];
            Assert.Equal(0, AllocatedBytes(() =>
            {
                set.DequantizeRow(matrix, 1, scratch);
                set.Multiply(matrix, 0, 3, x.AsSpan(0, 256), 1, y.AsSpan(0, 3), scratch);
                set.Multiply(matrix, 0, 3, x, 5, y, scratch);
            }));
        }
    }

    [Theory]
    [MemberData(nameof(PackedMultiplyTests.NamesAndPackedTypes), MemberType = typeof(PackedMultiplyTests))]
    public void PackedOperations_AllocateNothing_OnceWarm(string kernels, WeightType type)
    {
        KernelSet set = KernelSetCases.Get(kernels);
        using ThreadTeam team = ThreadTeam.Create(1);
        var (region, matrix) = KernelSetCases.RandomMatrix(new Random(62), type, 11, 256);
        using (region)
        using (PackedWeights packed = PackedWeights.Pack(matrix, team))
        {
            float[] x = new float[5 * 256];
            byte[] quantized = new byte[Int8Rows.RowBytes(x.Length)];
            float[] y = new float[5 * 11];
            Assert.Equal(0, AllocatedBytes(() =>
            {
                set.Quantize(x, quantized);
                set.Multiply(packed, 0, 11, quantized, 5, y);
            }));
        }
    }

    [Theory]
    [MemberData(nameof(KernelSetCases.Names), MemberType = typeof(KernelSetCases))]
    public void VectorOperations_AllocateNothing_OnceWarm(string kernels)
    {
        KernelSet set = KernelSetCases.Get(kernels);
        float[] x = new float[68];
        float[] y = new float[68];
        float[] angles = new float[17];
        float[] keys = new float[68 * KeyValuePage.Positions];
        float[] scratch = new float[KeyValuePage.Positions];
        SoftmaxState[] states = new SoftmaxState[1];
        byte[] page = new byte[KeyValuePage.HeadBytes(KeyValueType.Q8_0, 68)];
        Assert.Equal(0, AllocatedBytes(() =>
        {
            set.RmsNorm(x, x, 1e-5f, y);
            set.RotateInterleaved(y, angles, angles);
            set.RotateHalves(y, angles, angles);
            set.SiluMultiply(x, x, y);
            set.Add(x, y);
            set.LayerNorm(x, x, x, 1e-5f, y);
            set.Gelu(x, y);
            set.GeluMultiply(x, x, y);
            set.SoftCap(2f, y);
            set.MultiplyAdd(2f, x, y);
            KeyValuePage.StoreKey(KeyValueType.Q8_0, x, 3, page);
            KeyValuePage.WidenKeys(KeyValueType.Q8_0, page, 68, keys);
            KeyValuePage.WidenValues(KeyValueType.Q8_0, page, 68, keys);
            states[0] = SoftmaxState.Empty;
            set.AttendPage(x, keys, keys, 0, 5, 1f, 0f, states, y, scratch);
            set.MergeAttention(states[0], x, ref states[0], y);
            set.FinishAttention(states[0], y);
        }));
    }

    [Fact]
    public void Conversions_AllocateNothing_OnceWarm()
    {
        float[] x = new float[35];
        ushort[] bits = new ushort[35];
        byte[] bytes = new byte[140];
        Assert.Equal(0, AllocatedBytes(() =>
        {
            Conversion.ToFloat16(x, bits);
            Conversion.FromFloat16(bits, x);
            Conversion.WriteBFloat16(x, bytes.AsSpan(0, 70));
            Conversion.ReadBFloat16(bytes.AsSpan(0, 70), x);
            Conversion.WriteFloat32(x, bytes);
            Conversion.ReadFloat32(bytes, x);
        }));
    }

    private static long AllocatedBytes(Action action)
    {
        action();
        action();
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 10; i++)
        {
            action();
        }

        return GC.GetAllocatedBytesForCurrentThread() - before;
    }
}
