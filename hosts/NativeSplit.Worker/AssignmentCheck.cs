using NativeSplit.Cluster;
using NativeSplit.Cluster.Identity;
using NativeSplit.Cluster.Messages;
using NativeSplit.Cluster.Plans;
using NativeSplit.Engine.Execution;
using NativeSplit.Model;
using NativeSplit.Placement;

namespace NativeSplit.Worker;

/// <summary>Judges an assignment before anything is mapped or allocated for it.</summary>
internal static class AssignmentCheck
{
    /// <summary>Rows of a batch that a worker prepares for at most.</summary>
    public const int MaxRows = 8192;

    /// <summary>Sequences of a batch that a worker prepares for at most.</summary>
    public const int MaxSequences = 4096;

    /// <exception cref="ClusterException"><see cref="ClusterFault.StageRefused"/>: the assignment can't be met here.</exception>
    public static void Throw(AssignStage assignment, WorkerOptions options, PlanGuard plans)
    {
        var shape = options.Model.Shape;
        if (assignment.ModelFingerprint != options.Model.Fingerprint.Value)
        {
            Refuse($"this worker has another model ('{options.Model.Name}', {options.Model.Fingerprint.Value[..12]}; the plan is for {Shorten(assignment.ModelFingerprint)}). Start it with the gateway's --model file.");
        }

        if (assignment.LayerStart < 0 || assignment.LayerEnd <= assignment.LayerStart || assignment.LayerEnd > shape.LayerCount)
        {
            Refuse($"the model has layers [0, {shape.LayerCount}), the assignment asks for [{assignment.LayerStart}, {assignment.LayerEnd}).");
        }

        if (!RowCodec.IsKnown(assignment.Encoding))
        {
            Refuse($"the activation encoding {assignment.Encoding} is unknown here; update this worker.");
        }

        if (assignment.MaxRows is <= 0 or > MaxRows || assignment.MaxSequences is <= 0 or > MaxSequences)
        {
            Refuse($"batches of {assignment.MaxRows} rows and {assignment.MaxSequences} sequences are outside 1 to {MaxRows} and 1 to {MaxSequences}.");
        }

        if (assignment.KvTokens <= 0 || assignment.KvTokens > options.MaxKvTokens)
        {
            Refuse($"a KV cache of {assignment.KvTokens} positions is outside 1 to {options.MaxKvTokens} (--kv-tokens).");
        }

        ThrowIfUnsigned(assignment, options, plans);
    }

    /// <summary>Refuses what the signed plan doesn't say: only its orchestrator decides which layers run where, and who passes rows to whom.</summary>
    private static void ThrowIfUnsigned(AssignStage assignment, WorkerOptions options, PlanGuard plans)
    {
        if (plans.Current is not { } signed || signed.Plan.Epoch.Value != assignment.Epoch)
        {
            Refuse(plans.LastRefusal ?? $"plan {assignment.Epoch} wasn't published here.");
            return;
        }

        IReadOnlyList<PlanSegment> segments = signed.Plan.Segments;
        int stage = assignment.Stage;
        if (signed.Model != assignment.ModelFingerprint)
        {
            Refuse($"the signed plan {assignment.Epoch} is for another model.");
        }

        if (stage >= segments.Count || segments[stage].Node != options.Identity.Self.Node || segments[stage].Layers != new LayerRange(assignment.LayerStart, assignment.LayerEnd))
        {
            Refuse($"the signed plan {assignment.Epoch} doesn't give stage {stage} with layers [{assignment.LayerStart}, {assignment.LayerEnd}) to this worker.");
        }

        NodeId? before = stage == 0 ? null : segments[stage - 1].Node;
        NodeId? after = stage + 1 == segments.Count ? null : segments[stage + 1].Node;
        if (assignment.Previous != NameOf(before, options.Identity) || (assignment.Next?.Identity ?? options.Identity.Gateway.Uri) != NameOf(after, options.Identity))
        {
            Refuse($"the signed plan {assignment.Epoch} has other neighbours of stage {stage}.");
        }
    }

    /// <summary>Name of the node that holds a neighbouring segment; null is the gateway, where tokens come from and go back to.</summary>
    private static string NameOf(NodeId? node, JoinedNode self) => node is { } worker && worker != self.Gateway.Node
        ? (self.Self with { Node = worker }).Uri
        : self.Gateway.Uri;

    private static void Refuse(string reason) => throw new ClusterException(ClusterFault.StageRefused, reason);

    private static string Shorten(string fingerprint) => fingerprint.Length > 12 ? fingerprint[..12] : fingerprint;
}
