namespace NativeSplit.Placement;

/// <summary>Why a plan can't be used.</summary>
public enum PlanFault
{
    /// <summary>The text isn't a plan document.</summary>
    Malformed,

    /// <summary>The plan breaks a hard rule.</summary>
    Invalid,

    /// <summary>The file can't be read.</summary>
    Unreadable,

    /// <summary>A placement problem is empty, contradicts itself, or has a figure out of range.</summary>
    ProblemInvalid,
}

/// <summary>A plan can't be used. The message says what, where in the document, and how to mend it.</summary>
public sealed class PlanException : Exception
{
    /// <summary>Makes the exception.</summary>
    public PlanException(PlanFault fault, string message, Exception? inner = null)
        : base(message, inner) => Fault = fault;

    /// <summary>Why.</summary>
    public PlanFault Fault { get; }
}
