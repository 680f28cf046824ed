namespace NativeSplit.Transport.Links;

/// <summary>Why a link failed. The number goes into the close frame and into metrics; numbers are never reused.</summary>
public enum LinkFault
{
    /// <summary>Nobody answers at the address.</summary>
    Unreachable = 1,

    /// <summary>The peer closed or vanished in the middle of a frame or handshake.</summary>
    Closed = 2,

    /// <summary>The peer isn't who it must be, or we aren't to it; also any broken seal. The peer is told nothing more.</summary>
    AuthenticationFailed = 3,

    /// <summary>The peer speaks another version of the wire format.</summary>
    VersionMismatch = 4,

    /// <summary>A frame breaks the grammar.</summary>
    Malformed = 5,

    /// <summary>A frame is longer than agreed.</summary>
    TooLarge = 6,

    /// <summary>The handshake or an answer took too long.</summary>
    TimedOut = 7,

    /// <summary>The keys have sealed as much as they may; a new link is needed.</summary>
    KeysExhausted = 8,

    /// <summary>The address is in use or may not be bound.</summary>
    AddressUnavailable = 9,

    /// <summary>The ends share no cipher suite.</summary>
    SuiteMismatch = 10,

    /// <summary>The peer gave no sign of life for too long.</summary>
    PeerSilent = 11,

    /// <summary>What was transferred isn't what was announced.</summary>
    ContentMismatch = 12,
}

/// <summary>A link failed. The message says what, with which peer, and how to mend it.</summary>
public sealed class LinkException : Exception
{
    /// <summary>Makes the exception.</summary>
    public LinkException(LinkFault fault, string message, Exception? inner = null)
        : base(message, inner) => Fault = fault;

    /// <summary>Why.</summary>
    public LinkFault Fault { get; }
}
