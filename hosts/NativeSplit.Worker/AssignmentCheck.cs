using NativeSplit.Cluster;
using NativeSplit.Cluster.Messages;
using NativeSplit.Engine.Execution;

namespace NativeSplit.Worker;

/// <summary>Judges an assignment before anything is mapped or allocated for it.</summary>
internal static class AssignmentCheck
{
    /// <summary>Rows of a batch that a worker prepares for at most.</summary>
    public const int MaxRows = 8192;

    /// <summary>Sequences of a batch that a worker prepares for at most.</summary>
    public const int MaxSequences = 4096;

    /// <exception cref="ClusterException"><see cref="ClusterFault.StageRefused"/>: the assignment can't be met here.</exception>
    public static void Throw(AssignStage assignment, WorkerOptions options)
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
    }

    private static void Refuse(string reason) => throw new ClusterException(ClusterFault.StageRefused, reason);

    private static string Shorten(string fingerprint) => fingerprint.Length > 12 ? fingerprint[..12] : fingerprint;
}
