namespace NativeSplit.Engine;

/// <summary>Why the engine refused or failed.</summary>
public enum EngineFault
{
    /// <summary>The prompt doesn't fit the context.</summary>
    PromptTooLong,

    /// <summary>No KV room on some stage now.</summary>
    NoCapacity,

    /// <summary>A batch's position isn't the sequence's next one, or it has no reservation.</summary>
    OutOfOrder,

    /// <summary>A stage on the way is lost or failed.</summary>
    PathBroken,

    /// <summary>The engine is stopping.</summary>
    Stopping,

    /// <summary>Logits aren't numbers: corrupt weights, or activations that were changed on the way.</summary>
    InvalidLogits,
}

/// <summary>The engine refused or failed. The message says what, where, and how to mend it.</summary>
public sealed class EngineException : Exception
{
    /// <summary>Makes the exception.</summary>
    public EngineException(EngineFault fault, string message, Exception? inner = null)
        : base(message, inner) => Fault = fault;

    /// <summary>Why.</summary>
    public EngineFault Fault { get; }
}
