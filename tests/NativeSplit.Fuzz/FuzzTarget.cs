namespace NativeSplit.Fuzz;

/// <summary>A finding: a reader took something it must not take, or its answer makes no sense.</summary>
/// <param name="message">What is wrong.</param>
public sealed class FindingException(string message) : Exception(message);

/// <summary>One reader of bytes from strangers. It may refuse anything; it may not fail in any other way, nor take what it can't write again.</summary>
/// <param name="Name">Name on the command line, and of its folder in the corpus.</param>
/// <param name="Run">Reads one input. Throws on a finding.</param>
/// <param name="Samples">Good inputs to start from.</param>
public sealed record FuzzTarget(string Name, FuzzAction Run, Func<IReadOnlyList<byte[]>> Samples)
{
    /// <summary>All of them.</summary>
    public static IReadOnlyList<FuzzTarget> All { get; } =
    [
        new("preamble", WireTargets.Preamble, WireTargets.PreambleSamples),
        new("hello", WireTargets.Hello, WireTargets.HelloSamples),
        new("control", WireTargets.Control, WireTargets.ControlSamples),
        new("frame", WireTargets.Frame, WireTargets.FrameSamples),
        new("stream", StreamTarget.Run, StreamTarget.Samples),
        new("transfer", WireTargets.Transfer, WireTargets.TransferSamples),
        new("message", ClusterTargets.Message, ClusterTargets.MessageSamples),
        new("rows", ClusterTargets.Rows, ClusterTargets.RowsSamples),
    ];

    /// <summary>Throws a finding unless a condition holds.</summary>
    /// <param name="holds">The condition.</param>
    /// <param name="message">What is wrong otherwise.</param>
    internal static void Require(bool holds, string message)
    {
        if (!holds)
        {
            throw new FindingException(message);
        }
    }
}

/// <summary>Reads one input.</summary>
/// <param name="input">The input; lent.</param>
public delegate void FuzzAction(ReadOnlySpan<byte> input);
