using System.Runtime.Intrinsics;
using NativeSplit.Kernels.Avx2;
using NativeSplit.Kernels.Avx512;

namespace NativeSplit.Kernels.Tests.Kernels;

/// <summary>The exponential of the SIMD sets against <see cref="Math.Exp"/> in double precision.</summary>
public sealed class ExpTests
{
    [Fact]
    public void Exp_IsWithinItsStatedError_OverTheWholeRange()
    {
        KernelSetCases.Get("avx2");
        double worst = 0;
        for (int i = 0; i < 400_000; i++)
        {
            float x = -87.3f + (i * (176f / 400_000));
            double expected = Math.Exp(x);
            float actual = Avx2Exp.Exp(Vector256.Create(x)).ToScalar();
            Assert.Equal(actual, Avx512Exp.Exp(Vector512.Create(x)).ToScalar());
            worst = Math.Max(worst, Math.Abs(expected - actual) / expected);
        }

        Assert.True(worst <= 2e-7, $"relative error {worst}");
    }

    [Theory]
    [InlineData(float.NegativeInfinity, 0f)]
    [InlineData(-1e30f, 0f)]
    [InlineData(-104.5f, 0f)]
    [InlineData(0f, 1f)]
    [InlineData(88.73f, float.PositiveInfinity)]
    [InlineData(1e30f, float.PositiveInfinity)]
    [InlineData(float.PositiveInfinity, float.PositiveInfinity)]
    [InlineData(float.NaN, float.NaN)]
    public void Exp_IsExact_AtTheLimits(float x, float expected)
    {
        KernelSetCases.Get("avx2");
        Assert.Equal(expected, Avx2Exp.Exp(Vector256.Create(x)).ToScalar());
        Assert.Equal(expected, Avx512Exp.Exp(Vector512.Create(x)).ToScalar());
    }

    [Fact]
    public void Exp_IsWithinOneUnit_ForSubnormalResults()
    {
        KernelSetCases.Get("avx2");
        for (float x = -103.9f; x < -87.3f; x += 0.013f)
        {
            float actual = Avx2Exp.Exp(Vector256.Create(x)).ToScalar();
            Assert.Equal(Math.Exp(x), actual, Math.ScaleB(1, -149) + (2e-7 * Math.Exp(x)));
        }
    }
}
