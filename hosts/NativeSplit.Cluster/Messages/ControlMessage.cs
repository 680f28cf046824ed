using System.Text.Json.Serialization;
using NativeSplit.Cluster.Capacity;

namespace NativeSplit.Cluster.Messages;

/// <summary>A message between nodes in a control frame, as JSON. No kind has a field for tokens or for text of a user.</summary>
[JsonPolymorphic(TypeDiscriminatorPropertyName = "kind", UnknownDerivedTypeHandling = JsonUnknownDerivedTypeHandling.FailSerialization)]
[JsonDerivedType(typeof(NodeHello), "hello")]
[JsonDerivedType(typeof(AssignStage), "assign")]
[JsonDerivedType(typeof(StageReady), "ready")]
[JsonDerivedType(typeof(StageRefused), "refused")]
[JsonDerivedType(typeof(RetireStage), "retire")]
[JsonDerivedType(typeof(ReserveSequence), "reserve")]
[JsonDerivedType(typeof(SequenceReserved), "reserved")]
[JsonDerivedType(typeof(FreeSequence), "free")]
[JsonDerivedType(typeof(StepFailed), "failed")]
[JsonDerivedType(typeof(QueryStage), "query")]
[JsonDerivedType(typeof(StageReport), "report")]
[JsonDerivedType(typeof(MoveKv), "move-kv")]
[JsonDerivedType(typeof(KvArrived), "kv-arrived")]
[JsonDerivedType(typeof(KvFailed), "kv-failed")]
[JsonDerivedType(typeof(RevokeCertificates), "revoke")]
[JsonDerivedType(typeof(QueryNode), "query-node")]
[JsonDerivedType(typeof(NodeReport), "node-report")]
[JsonDerivedType(typeof(PublishPlan), "publish-plan")]
public abstract record ControlMessage;

/// <summary>Worker to gateway, first on a link: where other workers reach it and which model it has.</summary>
public sealed record NodeHello : ControlMessage
{
    /// <summary>Port of its link listener; the address is the one it comes from unless <see cref="AdvertisedHost"/> says otherwise.</summary>
    public required int Port { get; init; }

    /// <summary>Host name or address to reach it at, or null.</summary>
    public string? AdvertisedHost { get; init; }

    /// <summary>Fingerprint of the model file it opened.</summary>
    public required string ModelFingerprint { get; init; }

    /// <summary>Name of that model, for messages to the operator.</summary>
    public required string ModelName { get; init; }

    /// <summary>Public key to wrap data keys of weights to, base64; null when it has the model's file.</summary>
    public string? WeightKey { get; init; }

    /// <summary>What it measured of itself; null when it wasn't asked to.</summary>
    public CapacityProfile? Profile { get; init; }
}

/// <summary>Names one stage of one plan.</summary>
public abstract record StageMessage : ControlMessage
{
    /// <summary>Epoch of the plan.</summary>
    public required ulong Epoch { get; init; }

    /// <summary>Index of the segment in the plan.</summary>
    public required ushort Stage { get; init; }
}

/// <summary>Gateway to worker: run these layers and pass the rows on.</summary>
public sealed record AssignStage : StageMessage
{
    /// <summary>First layer.</summary>
    public required int LayerStart { get; init; }

    /// <summary>One past the last layer.</summary>
    public required int LayerEnd { get; init; }

    /// <summary>Fingerprint of the model the plan is for.</summary>
    public required string ModelFingerprint { get; init; }

    /// <summary>Encoding of the rows on every link of the plan.</summary>
    public required byte Encoding { get; init; }

    /// <summary>Rows of a batch at most.</summary>
    public required int MaxRows { get; init; }

    /// <summary>Sequences of a batch at most.</summary>
    public required int MaxSequences { get; init; }

    /// <summary>Positions of KV cache to hold, over all sequences.</summary>
    public required int KvTokens { get; init; }

    /// <summary>SPIFFE name of the node that rows come from; rows of any other are refused.</summary>
    public required string Previous { get; init; }

    /// <summary>Worker that runs the next segment; null: back to the gateway.</summary>
    public NextHop? Next { get; init; }

    /// <summary>SPIFFE names of the workers that KV pages may come from before the plan is in force. The gateway may send some in any case.</summary>
    public IReadOnlyList<string> KvSources { get; init; } = [];
}

/// <summary>Where a worker sends its output.</summary>
/// <param name="Identity">SPIFFE name the peer must prove.</param>
/// <param name="Host">Address or host name.</param>
/// <param name="Port">Port of its link listener.</param>
public sealed record NextHop(string Identity, string Host, int Port);

/// <summary>Worker to gateway: weights mapped, KV ready, next hop linked.</summary>
public sealed record StageReady : StageMessage
{
    /// <summary>What runs it: <c>cpu/avx2</c>.</summary>
    public required string Backend { get; init; }

    /// <summary>Bytes of weights mapped.</summary>
    public required long WeightBytes { get; init; }

    /// <summary>Positions of KV cache held.</summary>
    public required int KvTokens { get; init; }
}

/// <summary>Worker to gateway: can't.</summary>
public sealed record StageRefused : StageMessage
{
    /// <summary>Why, for the operator.</summary>
    public required string Reason { get; init; }
}

/// <summary>Gateway to worker: drop the stage and all it holds.</summary>
public sealed record RetireStage : StageMessage;

/// <summary>Gateway to worker: make KV room.</summary>
public sealed record ReserveSequence : StageMessage
{
    /// <summary>The sequence.</summary>
    public required ulong Sequence { get; init; }

    /// <summary>Positions in all.</summary>
    public required int Tokens { get; init; }
}

/// <summary>Worker to gateway: answer to <see cref="ReserveSequence"/>.</summary>
public sealed record SequenceReserved : StageMessage
{
    /// <summary>The sequence.</summary>
    public required ulong Sequence { get; init; }

    /// <summary>Whether there was room.</summary>
    public required bool Granted { get; init; }
}

/// <summary>Gateway to worker: give KV room back.</summary>
public sealed record FreeSequence : StageMessage
{
    /// <summary>The sequence.</summary>
    public required ulong Sequence { get; init; }
}

/// <summary>Worker to gateway: a batch didn't get through.</summary>
public sealed record StepFailed : StageMessage
{
    /// <summary>Number of the batch.</summary>
    public required ulong Batch { get; init; }

    /// <summary>Why, for the operator.</summary>
    public required string Reason { get; init; }
}

/// <summary>Gateway to worker: how has the stage done?</summary>
public sealed record QueryStage : StageMessage;

/// <summary>Worker to gateway: sums since the stage was made.</summary>
public sealed record StageReport : StageMessage
{
    /// <summary>Batches run.</summary>
    public required long Batches { get; init; }

    /// <summary>Rows run.</summary>
    public required long Rows { get; init; }

    /// <summary>Time in the executor, in microseconds.</summary>
    public required long ComputeMicroseconds { get; init; }

    /// <summary>Of the batches, those with one row of each sequence.</summary>
    public required long DecodeBatches { get; init; }

    /// <summary>Rows of those.</summary>
    public required long DecodeRows { get; init; }

    /// <summary>Time in the executor of those, in microseconds.</summary>
    public required long DecodeMicroseconds { get; init; }

    /// <summary>Bytes sent to the next hop: whole frames to a worker, payloads alone to the gateway, which counts its own links.</summary>
    public required long BytesForwarded { get; init; }

    /// <summary>Sequences that hold KV room now.</summary>
    public required int Sequences { get; init; }
}

/// <summary>Gateway to worker: send the KV pages of some layers of a sequence to a stage that is being prepared. The stage itself is the one that has them.</summary>
public sealed record MoveKv : StageMessage
{
    /// <summary>Epoch of the plan that is being prepared.</summary>
    public required ulong ToEpoch { get; init; }

    /// <summary>Its stage.</summary>
    public required ushort ToStage { get; init; }

    /// <summary>First layer.</summary>
    public required int LayerStart { get; init; }

    /// <summary>One past the last layer.</summary>
    public required int LayerEnd { get; init; }

    /// <summary>The sequence.</summary>
    public required ulong Sequence { get; init; }

    /// <summary>First page of the sequence to send.</summary>
    public required int FromPage { get; init; }

    /// <summary>Positions of the sequence that are to be there.</summary>
    public required int Length { get; init; }

    /// <summary>Worker that has the stage; the receiver itself when it is that one; null: the gateway.</summary>
    public NextHop? Target { get; init; }
}

/// <summary>Worker to gateway: some layers of a sequence are whole up to a length.</summary>
public sealed record KvArrived : StageMessage
{
    /// <summary>The sequence.</summary>
    public required ulong Sequence { get; init; }

    /// <summary>First layer.</summary>
    public required int LayerStart { get; init; }

    /// <summary>Positions.</summary>
    public required int Length { get; init; }
}

/// <summary>Worker to gateway: KV pages couldn't be sent, or taken in. The stage is its own.</summary>
public sealed record KvFailed : StageMessage
{
    /// <summary>The sequence.</summary>
    public required ulong Sequence { get; init; }

    /// <summary>First layer.</summary>
    public required int LayerStart { get; init; }

    /// <summary>Whether trying again would fail as well: its backend can't give pages out.</summary>
    public bool IsUnsupported { get; init; }

    /// <summary>Why, for the operator.</summary>
    public required string Reason { get; init; }
}

/// <summary>Gateway to worker: certificates of nodes that were revoked. Their links are to be dropped and no new ones taken. Later messages add to it.</summary>
public sealed record RevokeCertificates : ControlMessage
{
    /// <summary>Serial numbers, hexadecimal.</summary>
    public required IReadOnlyList<string> Serials { get; init; }
}

/// <summary>Gateway to worker: what can you do now?</summary>
public sealed record QueryNode : ControlMessage
{
    /// <summary>Number of the question, for the answer.</summary>
    public required ulong Number { get; init; }

    /// <summary>Whether to measure the executor anew.</summary>
    public bool MeasureLayers { get; init; }

    /// <summary>Workers to measure the way to; empty: none.</summary>
    public IReadOnlyList<NextHop> Peers { get; init; } = [];
}

/// <summary>Worker to gateway: answer to <see cref="QueryNode"/>.</summary>
public sealed record NodeReport : ControlMessage
{
    /// <summary>Most links in a report.</summary>
    public const int MaxLinks = 128;

    /// <summary>Number of the question.</summary>
    public required ulong Number { get; init; }

    /// <summary>What it can do; the times are those measured last.</summary>
    public required CapacityProfile Profile { get; init; }

    /// <summary>The ways from it: to the gateway, and to those of the peers that it could reach.</summary>
    public required IReadOnlyList<LinkQuality> Links { get; init; }
}

/// <summary>
/// Gateway to worker: a plan as an orchestrator signed it. Comes before the assignments of that plan, and also to workers that it gives nothing; those
/// that refuse it refuse its assignments.
/// </summary>
public sealed record PublishPlan : ControlMessage
{
    /// <summary>COSE_Sign1, base64.</summary>
    public required string Plan { get; init; }
}

/// <summary>A directed link, as the sender measured it.</summary>
/// <param name="Peer">SPIFFE name of the receiver.</param>
/// <param name="LatencyMicroseconds">One-way delay of an empty frame, in µs: half its round trip.</param>
/// <param name="BytesPerSecond">Rate.</param>
public sealed record LinkQuality(string Peer, long LatencyMicroseconds, long BytesPerSecond);
