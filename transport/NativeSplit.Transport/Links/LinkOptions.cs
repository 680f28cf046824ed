using NativeSplit.Transport.Frames;
using NativeSplit.Transport.Sealing;

namespace NativeSplit.Transport.Links;

/// <summary>Limits of a link. The lesser of both ends' frame limits holds.</summary>
public sealed record LinkOptions
{
    /// <summary>Least <see cref="MaxPayloadBytes"/>: room for the transport's own frames and a small message.</summary>
    public const int MinPayloadBytes = 64;

    /// <summary>Longest payload of a bulk frame, in bytes: what an activation may have to wait for once it is under way.</summary>
    public const int BulkPayloadCeiling = 256 << 10;

    /// <summary>Most <see cref="BulkWindowBytes"/>.</summary>
    public const int BulkWindowCeiling = 1 << 30;

    /// <summary>Longest payload of a frame, in bytes: <see cref="MinPayloadBytes"/> to 2^30.</summary>
    public int MaxPayloadBytes { get; init; } = 64 << 20;

    /// <summary>
    /// Bytes of bulk frames that the peer may have sent beyond those that our owner has received, headers and tags included: as much, at most, lies before
    /// an activation frame on its way to us. From two frames of <see cref="BulkPayloadCeiling"/> to <see cref="BulkWindowCeiling"/>; a transfer
    /// moves one window per round trip at best.
    /// </summary>
    public int BulkWindowBytes { get; init; } = 1 << 20;

    /// <summary>Cipher suites to offer. The best that both ends offer is taken: AEGIS-128L, then AES-256-GCM, then ChaCha20-Poly1305.</summary>
    public CipherSuites Suites { get; init; } = SuiteChoice.Offered;

    /// <summary>Time for the whole handshake.</summary>
    public TimeSpan HandshakeTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Time for a whole enrolment at the listener, its handler included.</summary>
    public TimeSpan EnrolmentTimeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Time for a goodbye when a link is disposed, and for last frames after the peer has left.</summary>
    public TimeSpan CloseTimeout { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>Age at which a key that seals frames is replaced. It is replaced too when it has sealed 2^38 bytes.</summary>
    public TimeSpan RekeyAfter { get; init; } = TimeSpan.FromSeconds(120);

    /// <summary>Age at which a key seals no more when the peer hasn't answered with a new one. Sends are then refused.</summary>
    public TimeSpan RefuseAfter { get; init; } = TimeSpan.FromSeconds(180);

    /// <summary>
    /// Time without a sign of life after which a peer counts as dead while a step is under way: activations were the last thing sent to it,
    /// or its owner said so (<see cref="SealedLink.ExpectRows"/>).
    /// <see cref="Timeout.InfiniteTimeSpan"/> turns the watch off, <see cref="IdleTimeout"/> included.
    /// </summary>
    public TimeSpan PeerTimeout { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>The same while none is: a peer that was told to load weights may be slow to answer. So long after the last activations no step counts as under way.</summary>
    public TimeSpan IdleTimeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>
    /// How long a receive looks for bytes before it gives its thread back; 0 to 50 µs. It saves a wake-up per frame where frames follow each other that fast,
    /// and costs that much of a processor per receive where they don't, so it is off by default.
    /// </summary>
    public TimeSpan ReceiveSpin { get; init; }

    /// <summary>Clock of keys and signs of life.</summary>
    public TimeProvider Time { get; init; } = TimeProvider.System;

    /// <summary>
    /// Handshakes that a listener lets be unfinished at once. One more pushes out the oldest that has proven nothing yet, so that
    /// stalled ones can't keep others out.
    /// </summary>
    public int MaxPendingHandshakes { get; init; } = 256;

    /// <summary>Enrolments that a listener serves at once; one more pushes out the oldest.</summary>
    public int MaxPendingEnrolments { get; init; } = 32;

    /// <summary>Accepted links that wait for <see cref="LinkListener.AcceptAsync"/>; one more is dropped.</summary>
    public int MaxWaitingLinks { get; init; } = 128;

    /// <summary>Throws when a limit makes no sense.</summary>
    /// <exception cref="ArgumentOutOfRangeException">A limit makes no sense.</exception>
    internal void Validate()
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(MaxPayloadBytes, MinPayloadBytes);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(MaxPayloadBytes, FrameLayout.PayloadCeiling);
        if (Suites == CipherSuites.None || (Suites & ~SuiteChoice.Supported) != CipherSuites.None)
        {
            throw new ArgumentOutOfRangeException(nameof(Suites), Suites, $"This machine supports {SuiteChoice.Supported}; offer one of these at least, and no other.");
        }

        ArgumentOutOfRangeException.ThrowIfLessThan(BulkWindowBytes, (int)FrameLayout.InitialBulkCredit);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(BulkWindowBytes, BulkWindowCeiling);
        ThrowIfNoTime(HandshakeTimeout, nameof(HandshakeTimeout));
        ThrowIfNoTime(EnrolmentTimeout, nameof(EnrolmentTimeout));
        ThrowIfNoTime(CloseTimeout, nameof(CloseTimeout));
        ThrowIfNoTime(RekeyAfter, nameof(RekeyAfter));
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(RefuseAfter, RekeyAfter);
        ThrowIfNoTime(IdleTimeout, nameof(IdleTimeout));
        if (PeerTimeout != Timeout.InfiniteTimeSpan)
        {
            ThrowIfNoTime(PeerTimeout, nameof(PeerTimeout));
            ArgumentOutOfRangeException.ThrowIfLessThan(IdleTimeout, PeerTimeout);
        }

        ArgumentOutOfRangeException.ThrowIfLessThan(ReceiveSpin, TimeSpan.Zero);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(ReceiveSpin, TimeSpan.FromMicroseconds(50));
        ArgumentNullException.ThrowIfNull(Time);
        ArgumentOutOfRangeException.ThrowIfLessThan(MaxPendingHandshakes, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(MaxPendingEnrolments, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(MaxWaitingLinks, 1);
    }

    private static void ThrowIfNoTime(TimeSpan time, string name)
    {
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(time, TimeSpan.Zero, name);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(time, TimeSpan.FromDays(1), name);
    }
}
