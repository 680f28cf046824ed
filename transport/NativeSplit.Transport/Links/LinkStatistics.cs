namespace NativeSplit.Transport.Links;

/// <summary>Counts of a link since it opened, payload and overhead together, the transport's own frames included.</summary>
/// <param name="FramesSent">Frames handed to the socket.</param>
/// <param name="BytesSent">Bytes of those frames on the wire.</param>
/// <param name="FramesReceived">Frames opened.</param>
/// <param name="BytesReceived">Bytes of those frames on the wire.</param>
public readonly record struct LinkStatistics(long FramesSent, long BytesSent, long FramesReceived, long BytesReceived);
