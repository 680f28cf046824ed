namespace NativeSplit.Kernels;

/// <summary>Why memory, a file, a kernel set or a processor can't be used.</summary>
public enum KernelFault
{
    /// <summary>The file is missing.</summary>
    FileNotFound,

    /// <summary>The file is there, but can't be opened or mapped.</summary>
    FileUnreadable,

    /// <summary>The file has no bytes.</summary>
    FileEmpty,

    /// <summary>The file ends before the extent does.</summary>
    FileTooShort,

    /// <summary>The system has no memory left for the allocation.</summary>
    OutOfMemory,

    /// <summary>There is no kernel set of that name.</summary>
    UnknownKernels,

    /// <summary>This processor can't run the kernel set.</summary>
    UnsupportedKernels,

    /// <summary>Threads can't be bound to processors as asked.</summary>
    UnsupportedBinding,
}

/// <summary>Memory, a file, a kernel set or a processor can't be used. The message says what, where, and how to mend it.</summary>
public sealed class KernelException : Exception
{
    /// <summary>Makes the exception.</summary>
    /// <param name="fault">Why.</param>
    /// <param name="message">What, where, and how to mend it.</param>
    /// <param name="inner">The cause, if another exception told of it.</param>
    public KernelException(KernelFault fault, string message, Exception? inner = null)
        : base(message, inner) => Fault = fault;

    /// <summary>Why.</summary>
    public KernelFault Fault { get; }
}
