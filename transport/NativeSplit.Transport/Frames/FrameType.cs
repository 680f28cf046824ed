namespace NativeSplit.Transport.Frames;

/// <summary>What a frame carries. No kind exists that could carry tokens or text of a user.</summary>
public enum FrameType : byte
{
    /// <summary>Rows of the residual stream on their way to the next stage.</summary>
    Activations = 1,

    /// <summary>A message of the cluster: assignment, reservation, release, report.</summary>
    Control = 2,

    /// <summary>Asks for an echo; answered inside the transport.</summary>
    Probe = 3,

    /// <summary>Echo of a probe.</summary>
    ProbeReply = 4,

    /// <summary>The last frame of a direction, with a numbered reason.</summary>
    Close = 5,

    /// <summary>Part of something large: KV pages, weights. Sent with <see cref="Links.SealedLink.SendBulkAsync{TWriter}"/>, behind all other frames.</summary>
    Bulk = 6,

    /// <summary>How many bytes of bulk frames may be sent; told inside the transport.</summary>
    Credit = 7,
}
