using System.Runtime.Intrinsics;
using NativeSplit.Kernels.AdvSimd;
using NativeSplit.Kernels.Avx2;
using NativeSplit.Kernels.Avx512;

namespace NativeSplit.Kernels.Tests.Kernels;

/// <summary>The exponential of the SIMD sets against <see cref="Math.Exp"/> in double precision.</summary>
public sealed class ExpTests
{
    [Theory]
    [MemberData(nameof(KernelSetCases.SimdNames), MemberType = typeof(KernelSetCases))]
    public void Exp_IsWithinItsStatedError_OverTheWholeRange(string kernels)
    {
        Func<float, float> exp = ExpOf(kernels);
        double worst = 0;
        for (int i = 0; i < 400_000; i++)
        {
            float x = -87.3f + (i * (176f / 400_000));
            double expected = Math.Exp(x);
            float actual = exp(x);
            if (BitConverter.SingleToInt32Bits(actual) != BitConverter.SingleToInt32Bits(AdvSimdExp.Exp(Vector128.Create(x)).ToScalar()))
            {
                Assert.Fail($"exp({x}) differs from that of advsimd");
            }

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
        Assert.Equal(expected, AdvSimdExp.Exp(Vector128.Create(x)).ToScalar());
        if (new Avx2Kernels().IsSupported)
        {
            Assert.Equal(expected, Avx2Exp.Exp(Vector256.Create(x)).ToScalar());
            Assert.Equal(expected, Avx512Exp.Exp(Vector512.Create(x)).ToScalar());
        }
    }

    [Theory]
    [MemberData(nameof(KernelSetCases.SimdNames), MemberType = typeof(KernelSetCases))]
    public void Exp_IsWithinOneUnit_ForSubnormalResults(string kernels)
    {
        Func<float, float> exp = ExpOf(kernels);
        for (float x = -103.9f; x < -87.3f; x += 0.013f)
        {
            float actual = exp(x);
            Assert.Equal(Math.Exp(x), actual, Math.ScaleB(1, -149) + (2e-7 * Math.Exp(x)));
            Assert.Equal(AdvSimdExp.Exp(Vector128.Create(x)).ToScalar(), actual);
        }
    }

    private static Func<float, float> ExpOf(string kernels) => KernelSetCases.Get(kernels).Name switch
    {
        "avx2" => x => Avx2Exp.Exp(Vector256.Create(x)).ToScalar(),
        "avx512" => x => Avx512Exp.Exp(Vector512.Create(x)).ToScalar(),
        _ => x => AdvSimdExp.Exp(Vector128.Create(x)).ToScalar(),
    };
}
