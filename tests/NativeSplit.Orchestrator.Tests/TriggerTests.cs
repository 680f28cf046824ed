using NativeSplit.Cluster.Capacity;
using NativeSplit.Model;
using NativeSplit.Model.Files;
using NativeSplit.Placement;
using NativeSplit.Placement.Problems;
using NativeSplit.Testing;

namespace NativeSplit.Orchestrator.Tests;

/// <summary>What is known makes a problem, and a change of it calls for a decision.</summary>
public sealed class TriggerTests : IDisposable
{
    private static readonly NodeId Gateway = new("gateway");
    private static readonly NodeId One = new("worker-1");
    private static readonly NodeId Labelled = new("worker-3");
    private static readonly NodeId Two = new("worker-2");
    private static readonly TimeSpan Old = TimeSpan.FromSeconds(15);
    private static readonly Plan Current = new(new PlanEpoch(3), [new PlanSegment(new LayerRange(0, 8), Gateway)]);
    private readonly ModelFile _model = ModelFile.Open(TestData.ModelPath("roadside-1.6m-q8_0.gguf"));
    private readonly CapacityBook _book = new();
    private readonly ProblemBuilder _problems;

    public TriggerTests()
    {
        _problems = new ProblemBuilder(new OrchestratorOptions
        {
            Model = _model,
            Origin = Gateway,
            OriginProfile = Profile(1000),
            Trusted = new HashSet<NodeId> { Two },
            Requests = [new RequestClass { Name = "r", PromptTokens = 10, OutputTokens = 10, RequestsPerKilosecond = 100, TtftSloMicroseconds = 1_000_000, TpotSloMicroseconds = 100_000 }],
            BorderBytesPerRow = 512,
            KvReserveTokens = 100,
        });
        _book.Observe(Gateway, Profile(1000), TimeSpan.Zero);
        _book.Observe(One, Profile(2000), TimeSpan.Zero);
        Link(Gateway, One, 1000);
        Link(One, Gateway, 1000);
    }

    public void Dispose() => _model.Dispose();

    [Fact]
    public void Build_MakesAValidProblem_OfNodesThatCanBeReached()
    {
        _book.Observe(Two, Profile(500), TimeSpan.Zero);
        Link(Gateway, Two, 100);
        PlacementProblem problem = Problem(One, Two);
        Assert.Equal([Gateway, One], problem.Nodes.Select(node => node.Id));
        ProblemRules.ThrowIfInvalid(problem);

        Link(Two, Gateway, 100);
        problem = Problem(One, Two);
        Assert.Equal([(Gateway, true), (One, false), (Two, true)], problem.Nodes.Select(node => (node.Id, node.IsTrusted)));
        Assert.Equal(4, problem.Links.Count);
        ProblemRules.ThrowIfInvalid(problem);

        // Trusted by its certificate.
        _book.Observe(Labelled, Profile(500), TimeSpan.Zero);
        Link(Gateway, Labelled, 100);
        Link(Labelled, Gateway, 100);
        Assert.True(Problem(One, Labelled).Nodes.Single(node => node.Id == Labelled).IsTrusted);
        Assert.Equal([Gateway], Problem().Nodes.Select(node => node.Id));
    }

    [Fact]
    public void Build_GivesTheModelsFacts()
    {
        PlacementProblem problem = Problem(One);
        Assert.Equal(8, problem.Layers.Count);
        Assert.Equal(_model.Tensors.Sum(tensor => tensor.ByteLength), problem.Layers.Sum(layer => layer.WeightBytes) + problem.Ends.WeightBytes);
        Assert.Equal([true, true, true, true, false, false, true, true], problem.Layers.Select(layer => layer.IsPrivacyCritical));
        Assert.Equal((3ul, 55), (problem.Migration!.Current.Epoch.Value, problem.Migration.LiveKvTokens));
    }

    [Theory]
    [InlineData(0, 0)]
    [InlineData(0.4, 1)]
    [InlineData(9.96, 10)]
    [InlineData(99.4, 99)]
    [InlineData(114.9, 110)]
    [InlineData(115, 120)]
    [InlineData(99_600, 100_000)]
    [InlineData(1.26e12, 1_300_000_000_000)]
    public void Round_KeepsTwoDigits(double value, long expected) => Assert.Equal(expected, ProblemBuilder.Round(value));

    [Fact]
    public void Look_SeesWhatChanged()
    {
        PlacementProblem last = Problem(One);
        Assert.Equal(TriggerCause.Plan, Trigger.Look(null, last, TimeSpan.Zero, Old));
        Assert.Equal(TriggerCause.None, Trigger.Look(last, Problem(One), TimeSpan.Zero, Old));
        Assert.Equal(TriggerCause.Age, Trigger.Look(last, Problem(One), Old, Old));
        Assert.Equal(TriggerCause.Membership, Trigger.Look(last, Problem(), TimeSpan.Zero, Old));
        Assert.Equal(TriggerCause.Plan, Trigger.Look(last, Problem(One) with { Migration = null }, TimeSpan.Zero, Old));

        _book.Observe(One, Profile(2400), TimeSpan.FromSeconds(1));
        Assert.Equal(TriggerCause.None, Trigger.Look(last, Problem(One), TimeSpan.Zero, Old));
        _book.Observe(One, Profile(8000), TimeSpan.FromSeconds(2));
        Assert.Equal(TriggerCause.Speed, Trigger.Look(last, Problem(One), TimeSpan.Zero, Old));
    }

    [Fact]
    public void Look_SeesALinkThatDegrades_ButNotItsNoise()
    {
        PlacementProblem last = Problem(One);
        Link(Gateway, One, 1200);
        Assert.Equal(TriggerCause.None, Trigger.Look(last, Problem(One), TimeSpan.Zero, Old));
        Link(Gateway, One, 40_000);
        Assert.Equal(TriggerCause.Link, Trigger.Look(last, Problem(One), TimeSpan.Zero, Old));
    }

    [Fact]
    public void Look_SeesMemoryPressure()
    {
        PlacementProblem last = Problem(One);
        _book.Observe(One, Profile(2000, memory: 1 << 20), TimeSpan.FromSeconds(1));
        Assert.Equal(TriggerCause.Memory, Trigger.Look(last, Problem(One), TimeSpan.Zero, Old));
    }

    private PlacementProblem Problem(params NodeId[] joined) => _problems.Build(_book, [.. joined.Select(node => new WorkerStatus(node, IsTrusted: node == Labelled, null))], Current, 55);

    private void Link(NodeId from, NodeId to, long latency) => _book.Observe(new LinkFacts(from, to, latency, 1_000_000), TimeSpan.Zero);

    private static CapacityProfile Profile(long decode, long memory = 1 << 24) =>
        new() { Backend = "cpu/avx2", Processors = 1, MemoryBytes = memory, DecodeNanosecondsPerStep = decode, PrefillNanosecondsPerRow = 100 };
}
