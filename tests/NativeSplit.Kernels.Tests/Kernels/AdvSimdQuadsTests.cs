using System.Runtime.Intrinsics;
using NativeSplit.Kernels.AdvSimd;

namespace NativeSplit.Kernels.Tests.Kernels;

/// <summary>Pieces of the Arm64 set, whichever of their expressions this processor takes, against plain loops.</summary>
public sealed class AdvSimdQuadsTests
{
    [Fact]
    public void MultiplyAdd_AddsTheProductsOfOneQuad_ForEveryQuad()
    {
        var random = new Random(51);
        for (int round = 0; round < 1000; round++)
        {
            var n = Vector128.Create(random.Next(), random.Next(), -random.Next(), round);
            Vector128<sbyte> w = RandomBytes(random, sbyte.MinValue);
            Vector128<sbyte> x = RandomBytes(random, -127);
            Check(n, w, x);
        }
    }

    [Theory]
    [InlineData(-128, -127)]
    [InlineData(-128, 127)]
    [InlineData(127, -127)]
    [InlineData(127, 127)]
    [InlineData(0, 127)]
    public void MultiplyAdd_IsExact_WhenEveryByteIsExtreme(int w, int x) =>
        Check(Vector128.Create(-1), Vector128.Create((sbyte)w), Vector128.Create((sbyte)x));

    [Fact]
    public void Halves_WidensEveryFiniteHalf_AsDotNetDoes()
    {
        for (int bits = 0; bits < 65536; bits += 4)
        {
            ushort[] stored = [(ushort)bits, (ushort)(bits + 1), (ushort)(bits + 2), (ushort)(bits + 3)];
            if ((bits & 0x7C00) == 0x7C00)
            {
                continue;
            }

            for (int lane = 0; lane < 4; lane++)
            {
                float expected = (float)BitConverter.UInt16BitsToHalf(stored[lane]);
                Assert.Equal(BitConverter.SingleToInt32Bits(expected), BitConverter.SingleToInt32Bits(Halves(stored).GetElement(lane)));
            }
        }
    }

    [Fact]
    public void Bytes_AreWidened_WithAndWithoutSign()
    {
        byte[] bytes = [0, 127, 128, 255, 1];
        Assert.Equal(Vector128.Create(0, 127, 128, 255), Unsigned(bytes));
        Assert.Equal(Vector128.Create(0, 127, -128, -1), Signed(bytes));
    }

    [Fact]
    public void Lanes_GoWhereTheirNamesSay()
    {
        Vector128<float> a = Vector128.Create(0f, 1f, 2f, 3f);
        Vector128<float> b = Vector128.Create(4f, 5f, 6f, 7f);
        Assert.Equal(Vector128.Create(0f, 2f, 4f, 6f), AdvSimdLanes.Even(a, b));
        Assert.Equal(Vector128.Create(1f, 3f, 5f, 7f), AdvSimdLanes.Odd(a, b));
        Assert.Equal(Vector128.Create(0f, 4f, 1f, 5f), AdvSimdLanes.ZipLower(a, b));
        Assert.Equal(Vector128.Create(2f, 6f, 3f, 7f), AdvSimdLanes.ZipUpper(a, b));
    }

    private static void Check(Vector128<int> n, Vector128<sbyte> w, Vector128<sbyte> x)
    {
        Vector128<int>[] actual =
        [
            AdvSimdQuads.MultiplyAdd(n, w, x, 0),
            AdvSimdQuads.MultiplyAdd(n, w, x, 1),
            AdvSimdQuads.MultiplyAdd(n, w, x, 2),
            AdvSimdQuads.MultiplyAdd(n, w, x, 3),
        ];
        for (int quad = 0; quad < 4; quad++)
        {
            for (int row = 0; row < 4; row++)
            {
                int expected = n.GetElement(row);
                for (int i = 0; i < 4; i++)
                {
                    expected = unchecked(expected + (w.GetElement((4 * row) + i) * x.GetElement((4 * quad) + i)));
                }

                Assert.Equal(expected, actual[quad].GetElement(row));
            }
        }
    }

    private static Vector128<sbyte> RandomBytes(Random random, int lowest)
    {
        Vector128<sbyte> bytes = default;
        for (int i = 0; i < 16; i++)
        {
            bytes = bytes.WithElement(i, (sbyte)random.Next(lowest, 128));
        }

        return bytes;
    }

    private static unsafe Vector128<float> Halves(ushort[] stored)
    {
        fixed (ushort* p = stored)
        {
            return AdvSimdQuads.Halves((byte*)p);
        }
    }

    private static unsafe Vector128<int> Unsigned(byte[] bytes)
    {
        fixed (byte* p = bytes)
        {
            return AdvSimdQuads.UnsignedBytes(p);
        }
    }

    private static unsafe Vector128<int> Signed(byte[] bytes)
    {
        fixed (byte* p = bytes)
        {
            return AdvSimdQuads.SignedBytes(p);
        }
    }
}
