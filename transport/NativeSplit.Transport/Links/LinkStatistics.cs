namespace NativeSplit.Transport.Links;

/// <summary>Counts of a link since it opened, payload and overhead together.</summary>
public readonly record struct LinkStatistics(long FramesSent, long BytesSent, long FramesReceived, long BytesReceived);
