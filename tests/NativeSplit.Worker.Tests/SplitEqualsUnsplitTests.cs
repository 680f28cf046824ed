using NativeSplit.Cluster.Routes;
using NativeSplit.Engine;
using NativeSplit.Engine.Execution;
using NativeSplit.Placement;

namespace NativeSplit.Worker.Tests;

/// <summary>A split over real sealed links changes no bit.</summary>
public sealed class SplitEqualsUnsplitTests
{
    private static readonly int[] Tokens = [0, 327, 61, 682, 534, 61, 770, 260, 704, 681, 260, 652, 523, 311, 516, 317];

    /// <summary>Every cut of the eight layers into two and three ranges, over two workers or the gateway and its workers.</summary>
    public static TheoryData<int, int> Cuts
    {
        get
        {
            TheoryData<int, int> cuts = [];
            for (int first = 1; first < 8; first++)
            {
                cuts.Add(first, 8);
                for (int second = first + 1; second < 8; second++)
                {
                    cuts.Add(first, second);
                }
            }

            return cuts;
        }
    }

    [Theory]
    [MemberData(nameof(Cuts))]
    public async Task Logits_AreBitEqual_ForEveryCut(int first, int second)
    {
        Plan plan = second == 8
            ? InProcessCluster.PlanOf((first, "worker-1"), (8, "worker-2"))
            : InProcessCluster.PlanOf((first, "worker-1"), (second, "worker-2"), (8, "gateway"));
        await ExpectEqualAsync(plan);
    }

    [Fact]
    public async Task Logits_AreBitEqual_WhenOneWorkerRunsAll() => await ExpectEqualAsync(InProcessCluster.PlanOf((8, "worker-1")));

    [Fact]
    public async Task Logits_AreBitEqual_WhenTheGatewayHoldsBothEnds() =>
        await ExpectEqualAsync(InProcessCluster.PlanOf((1, "gateway"), (4, "worker-1"), (7, "worker-2"), (8, "gateway")));

    [Fact]
    public async Task Logits_AreBitEqual_WhenRowsComeBackInTheMiddle() =>
        await ExpectEqualAsync(InProcessCluster.PlanOf((3, "worker-1"), (5, "gateway"), (8, "worker-2")));

    [Fact]
    public async Task Logits_DifferALittle_WhenRowsAreRounded()
    {
        Plan plan = InProcessCluster.PlanOf((1, "gateway"), (4, "worker-1"), (7, "worker-2"), (8, "gateway"));
        double bf16 = await DifferenceAsync(plan, RowEncoding.BF16);
        double f16 = await DifferenceAsync(plan, RowEncoding.F16);
        TestContext.Current.TestOutputHelper!.WriteLine($"rms difference of logits over three hops: bf16 {bf16:E2}, f16 {f16:E2}");

        // A rounding is half a unit in the last place: 2^-9 for bf16, 2^-12 for f16, eight times apart. Three hops and
        // seven layers may amplify it, but by no more than the model itself needs to go wrong.
        Assert.InRange(bf16, 1e-6, 0.05);
        Assert.InRange(f16, 1e-7, 0.05 / 8);
        Assert.True(f16 < bf16);
    }

    private static async Task ExpectEqualAsync(Plan plan)
    {
        await using InProcessCluster cluster = await InProcessCluster.StartAsync(plan);
        await using LocalLayerPath local = cluster.CreateLocalPath();
        float[] expected = await cluster.LogitsAsync(local, new SequenceId(1), Tokens, prefill: 11);
        float[] actual = await cluster.LogitsAsync(cluster.Driver.Path, new SequenceId(1), Tokens, prefill: 11);
        Assert.Equal(expected.AsSpan(), actual.AsSpan());
        foreach (ILayerExecutor executor in local.Executors)
        {
            executor.Dispose();
        }
    }

    private static async Task<double> DifferenceAsync(Plan plan, RowEncoding encoding)
    {
        await using InProcessCluster cluster = await InProcessCluster.StartAsync(plan, new RouteOptions { KvTokens = InProcessCluster.KvTokens, Encoding = encoding }, precision: ActivationPrecision.Float32);
        await using LocalLayerPath local = cluster.CreateLocalPath();
        float[] expected = await cluster.LogitsAsync(local, new SequenceId(1), Tokens, prefill: 11);
        float[] actual = await cluster.LogitsAsync(cluster.Driver.Path, new SequenceId(1), Tokens, prefill: 11);
        double error = 0;
        double size = 0;
        for (int i = 0; i < expected.Length; i++)
        {
            error += Math.Pow(actual[i] - expected[i], 2);
            size += Math.Pow(expected[i], 2);
        }

        return Math.Sqrt(error / size);
    }
}
