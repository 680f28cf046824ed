using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace NativeSplit.Kernels.Tests.Kernels;

/// <summary>
/// Operations that rest on the exponential, where the SIMD sets differ from the scalar one: equal among each other. A
/// cluster may have x64 and Arm64 machines, and no test process runs on both: so the bits are pinned too.
/// </summary>
public sealed class SameBitsTests
{
    private const int Count = 20011;

    [Theory]
    [MemberData(nameof(KernelSetCases.SimdNames), MemberType = typeof(KernelSetCases))]
    public void Activations_AreThoseOfAdvSimd_OnEverySimdSet(string kernels) =>
        Bits.AssertEqual(Activations(KernelSetCases.Get("advsimd")), Activations(KernelSetCases.Get(kernels)), kernels);

    [Theory]
    [MemberData(nameof(KernelSetCases.SimdNames), MemberType = typeof(KernelSetCases))]
    public void AttendPage_IsThatOfAdvSimd_OnEverySimdSet(string kernels) =>
        Bits.AssertEqual(Attention(KernelSetCases.Get("advsimd")), Attention(KernelSetCases.Get(kernels)), kernels);

    [Theory]
    [MemberData(nameof(KernelSetCases.SimdNames), MemberType = typeof(KernelSetCases))]
    public void Results_HaveThePinnedDigest_OnEveryArchitecture(string kernels)
    {
        KernelSet set = KernelSetCases.Get(kernels);
        Assert.Equal("d24b94925a72ed32", Digest(Activations(set)));
        Assert.Equal("168af28d0f668f18", Digest(Attention(set)));
    }

    private static float[] Activations(KernelSet set)
    {
        float[] x = new float[Count];
        for (int i = 0; i < Count; i++)
        {
            x[i] = (i - (Count / 2)) * 0.0123f;
        }

        float[] up = KernelSetCases.RandomFloats(new Random(43), Count);
        float[] results = new float[4 * Count];
        set.SiluMultiply(x, up, results.AsSpan(0, Count));
        set.Gelu(x, results.AsSpan(Count, Count));
        set.GeluMultiply(x, up, results.AsSpan(2 * Count, Count));
        x.CopyTo(results, 3 * Count);
        set.SoftCap(7f, results.AsSpan(3 * Count, Count));
        return results;
    }

    private static float[] Attention(KernelSet set)
    {
        var random = new Random(42);
        List<float> results = [];
        foreach (int headSize in (int[])[1, 4, 20, 64, 80, 128])
        {
            foreach (var (queries, first, count) in ((int, int, int)[])[(1, 0, 1), (3, 31, 2), (7, 3, 90), (9, 0, 64)])
            {
                var c = new AttentionCase(random, headSize, queries, first, count);
                results.AddRange(c.Attend(set, softCap: 0f));
                results.AddRange(c.Attend(set, softCap: 2f));
            }
        }

        return [.. results];
    }

    private static string Digest(float[] values) => Convert.ToHexStringLower(SHA256.HashData(MemoryMarshal.AsBytes<float>(values)))[..16];
}
