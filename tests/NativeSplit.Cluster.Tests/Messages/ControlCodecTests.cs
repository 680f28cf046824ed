using System.Text;
using NativeSplit.Cluster.Capacity;
using NativeSplit.Cluster.Messages;

namespace NativeSplit.Cluster.Tests.Messages;

public sealed class ControlCodecTests
{
    private static readonly CapacityProfile Profile = new() { Backend = "cpu/avx2", Processors = 2, MemoryBytes = 1L << 35, PrefillNanosecondsPerRow = 1, DecodeNanosecondsPerStep = 2 };

    public static TheoryData<ControlMessage> Messages =>
    [
        new NodeHello { Port = 7000, AdvertisedHost = "10.0.0.3", ModelFingerprint = "ab", ModelName = "m", Profile = Profile },
        new AssignStage { Epoch = 1, Stage = 2, LayerStart = 3, LayerEnd = 5, ModelFingerprint = "ab", Encoding = 1, MaxRows = 8, MaxSequences = 4, KvTokens = 99, Previous = "p", Next = new NextHop("i", "h", 1), KvSources = ["q"] },
        new StageReady { Epoch = 1, Stage = 2, Backend = "cpu/avx2", WeightBytes = 1L << 40, KvTokens = 99 },
        new StageRefused { Epoch = 1, Stage = 2, Reason = "no" },
        new RetireStage { Epoch = 1, Stage = 2 },
        new ReserveSequence { Epoch = 1, Stage = 2, Sequence = ulong.MaxValue, Tokens = 5 },
        new SequenceReserved { Epoch = 1, Stage = 2, Sequence = 7, Granted = true },
        new FreeSequence { Epoch = 1, Stage = 2, Sequence = 7 },
        new StepFailed { Epoch = 1, Stage = 2, Batch = 9, Reason = "why" },
        new QueryStage { Epoch = 1, Stage = 2 },
        new StageReport { Epoch = 1, Stage = 2, Batches = 1, Rows = 2, ComputeMicroseconds = 3, DecodeBatches = 1, DecodeRows = 1, DecodeMicroseconds = 2, BytesForwarded = 4, Sequences = 5 },
        new MoveKv { Epoch = 1, Stage = 2, ToEpoch = 2, ToStage = 1, LayerStart = 3, LayerEnd = 4, Sequence = 9, FromPage = 1, Length = 40, Target = new NextHop("i", "h", 1) },
        new KvArrived { Epoch = 1, Stage = 2, Sequence = 9, LayerStart = 3, Length = 40 },
        new KvFailed { Epoch = 1, Stage = 2, Sequence = 9, LayerStart = 3, IsUnsupported = true, Reason = "why" },
        new RevokeCertificates { Serials = ["0A", "0B"] },
        new QueryNode { Number = 3, MeasureLayers = true, Peers = [new NextHop("i", "h", 1)] },
        new NodeReport { Number = 3, Profile = Profile, Links = [new LinkQuality("p", 5, 1L << 33)] },
        new PublishPlan { Plan = "0oRD" },
    ];

    [Theory]
    [MemberData(nameof(Messages))]
    public void Decode_ReadsBack_WhatEncodeWrote(ControlMessage message)
    {
        ControlMessage read = ControlCodec.Decode(ControlCodec.Encode(message));

        // Not record equality: lists are equal to themselves alone.
        Assert.Equivalent(message, read, strict: true);
        Assert.IsType(message.GetType(), read);
    }

    [Fact]
    public void Messages_HoldEveryKind() =>
        Assert.Equal(
            typeof(ControlMessage).Assembly.GetTypes().Where(t => t.IsSubclassOf(typeof(ControlMessage)) && !t.IsAbstract).OrderBy(t => t.Name),
            Messages.Select(row => ((ControlMessage)row.Data).GetType()).OrderBy(t => t.Name));

    [Theory]
    [InlineData("")]
    [InlineData("null")]
    [InlineData("{}")]
    [InlineData("[]")]
    [InlineData("""{"kind":"nope"}""")]
    [InlineData("""{"kind":"reserve","epoch":1}""")]
    [InlineData("""{"kind":"reserve","epoch":-1,"stage":2,"sequence":1,"tokens":1}""")]
    [InlineData("""{"kind":"reserve","epoch":1,"stage":70000,"sequence":1,"tokens":1}""")]
    [InlineData("""{"kind":"refused","epoch":1,"stage":1,"reason":null}""")]
    [InlineData("\u0000\u0001")]
    public void Decode_ThrowsProtocol_WhenItIsNoMessage(string text) =>
        Assert.Equal(ClusterFault.Protocol, Assert.Throws<ClusterException>(() => ControlCodec.Decode(Encoding.UTF8.GetBytes(text))).Fault);

    [Fact]
    public void Decode_ThrowsProtocol_WhenItIsTooLong() =>
        Assert.Equal(ClusterFault.Protocol, Assert.Throws<ClusterException>(() => ControlCodec.Decode(new byte[ControlCodec.MaxBytes + 1])).Fault);

    [Fact]
    public void Decode_ThrowsProtocol_WhenItIsNestedTooDeep() =>
        Assert.Equal(ClusterFault.Protocol, Assert.Throws<ClusterException>(() => ControlCodec.Decode(Encoding.UTF8.GetBytes(new string('[', 5000)))).Fault);
}
