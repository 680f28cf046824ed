using System.Reflection;
using NativeSplit.Cluster.Activations;
using NativeSplit.Cluster.Capacity;
using NativeSplit.Cluster.Messages;
using NativeSplit.Engine.Execution;
using NativeSplit.Model;
using NativeSplit.Transport.Frames;

namespace NativeSplit.Cluster.Tests.Messages;

/// <summary>A worker learns no token and no text of a user: nothing it is sent has room for either.</summary>
public sealed class PrivacyTests
{
    /// <summary>The only texts in messages; none comes from a request.</summary>
    private static readonly HashSet<string> KnownTexts =
    [
        $"{nameof(NodeHello)}.{nameof(NodeHello.AdvertisedHost)}",
        $"{nameof(NodeHello)}.{nameof(NodeHello.ModelFingerprint)}",
        $"{nameof(NodeHello)}.{nameof(NodeHello.ModelName)}",
        $"{nameof(NodeHello)}.{nameof(NodeHello.WeightKey)}",
        $"{nameof(AssignStage)}.{nameof(AssignStage.ModelFingerprint)}",
        $"{nameof(AssignStage)}.{nameof(AssignStage.Previous)}",
        $"{nameof(AssignStage)}.{nameof(AssignStage.KvSources)}",
        $"{nameof(KvFailed)}.{nameof(KvFailed.Reason)}",
        $"{nameof(NextHop)}.{nameof(NextHop.Identity)}",
        $"{nameof(NextHop)}.{nameof(NextHop.Host)}",
        $"{nameof(CapacityProfile)}.{nameof(CapacityProfile.Backend)}",
        $"{nameof(LinkQuality)}.{nameof(LinkQuality.Peer)}",
        $"{nameof(StageReady)}.{nameof(StageReady.Backend)}",
        $"{nameof(StageRefused)}.{nameof(StageRefused.Reason)}",
        $"{nameof(StepFailed)}.{nameof(StepFailed.Reason)}",
        $"{nameof(RevokeCertificates)}.{nameof(RevokeCertificates.Serials)}",
        $"{nameof(PublishPlan)}.{nameof(PublishPlan.Plan)}",
    ];

    /// <summary>What messages are made of besides numbers and texts; judged like them.</summary>
    private static readonly HashSet<Type> Parts = [typeof(NextHop), typeof(CapacityProfile), typeof(LinkQuality)];

    private static readonly HashSet<Type> Numbers = [typeof(int), typeof(long), typeof(ulong), typeof(ushort), typeof(byte), typeof(bool)];

    [Fact]
    public void FrameTypes_AreTheKnownSeven() =>
        Assert.Equal(["Activations", "Control", "Probe", "ProbeReply", "Close", "Bulk", "Credit"], Enum.GetNames<FrameType>());

    [Fact]
    public void ControlMessages_HaveNoFieldForTokensOrText()
    {
        IEnumerable<PropertyInfo> properties = typeof(ControlMessage).Assembly.GetTypes()
            .Where(type => (type.IsSubclassOf(typeof(ControlMessage)) && !type.IsAbstract) || Parts.Contains(type))
            .SelectMany(type => type.GetProperties(BindingFlags.Public | BindingFlags.Instance));

        Assert.All(properties, property => Assert.True(
            Numbers.Contains(property.PropertyType) || Parts.Contains(property.PropertyType) || Parts.Any(part => property.PropertyType == typeof(IReadOnlyList<>).MakeGenericType(part))
                || ((property.PropertyType == typeof(string) || property.PropertyType == typeof(IReadOnlyList<string>)) && KnownTexts.Contains($"{property.ReflectedType!.Name}.{property.Name}")),
            $"{property.ReflectedType!.Name}.{property.Name} is new: a worker must never learn tokens or text."));
    }

    [Fact]
    public void ActivationPayloads_CarryPositionsAndRowsOnly()
    {
        Assert.DoesNotContain(typeof(SequenceRows).GetProperties(), property => property.PropertyType == typeof(TokenId));
        Assert.Equal(ActivationPayload.EntryBytes + (3 * 4), ActivationPayload.LengthOf(sequences: 1, rows: 1, hiddenSize: 3, RowEncoding.F32));
    }
}
