namespace NativeSplit.Model;

/// <summary>Why a model can't be used.</summary>
public enum ModelFault
{
    /// <summary>A file or directory is missing or can't be opened.</summary>
    NotFound,

    /// <summary>The bytes aren't what the format says: truncated, corrupt, absurd.</summary>
    Corrupt,

    /// <summary>The format is known, this part of it isn't supported: version, architecture, weight type, tokenizer.</summary>
    Unsupported,

    /// <summary>The chat template can't be used.</summary>
    Template,
}

/// <summary>A model file can't be used. The message says what, where, and how to mend it.</summary>
public sealed class ModelException : Exception
{
    /// <summary>Makes the exception.</summary>
    /// <param name="fault">Why.</param>
    /// <param name="message">What, where (file, tensor or key, byte offset), and how to mend it.</param>
    /// <param name="inner">The cause, if another exception told of it.</param>
    public ModelException(ModelFault fault, string message, Exception? inner = null)
        : base(message, inner) => Fault = fault;

    /// <summary>Why the model can't be used.</summary>
    public ModelFault Fault { get; }
}
