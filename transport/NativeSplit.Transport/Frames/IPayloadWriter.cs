namespace NativeSplit.Transport.Frames;

/// <summary>Writes a payload straight into the send buffer. Implement it as a struct: nothing is copied or boxed.</summary>
public interface IPayloadWriter
{
    /// <summary>Bytes that <see cref="Write"/> fills.</summary>
    int Length { get; }

    /// <summary>Fills the payload.</summary>
    /// <param name="payload">Exactly <see cref="Length"/> bytes of undefined content.</param>
    void Write(Span<byte> payload);
}
