namespace NativeSplit.Placement.Z3;

/// <summary>Why Z3 can't be used.</summary>
public enum Z3Fault
{
    /// <summary>The library isn't installed or lacks a function.</summary>
    LibraryMissing,

    /// <summary>Z3 reported an error.</summary>
    Failed,
}

/// <summary>Z3 can't be used. The message says what happened and how to mend it.</summary>
public sealed class Z3Exception : Exception
{
    /// <summary>Makes the exception.</summary>
    public Z3Exception(Z3Fault fault, string message)
        : base(message) => Fault = fault;

    /// <summary>Why.</summary>
    public Z3Fault Fault { get; }
}
