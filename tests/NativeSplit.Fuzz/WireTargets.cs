using NativeSplit.Transport.Bulk;
using NativeSplit.Transport.Frames;
using NativeSplit.Transport.Handshakes;
using NativeSplit.Transport.Links;
using NativeSplit.Transport.Sealing;

namespace NativeSplit.Fuzz;

/// <summary>The readers of the transport that need no connection.</summary>
internal static class WireTargets
{
    private const int MaxPayloadBytes = 5000;
    private const ulong ConnectionId = 0x0102_0304_0506_0708;

    public static void Preamble(ReadOnlySpan<byte> input)
    {
        if (input.Length == Transport.Handshakes.Preamble.Bytes
            && Transport.Handshakes.Preamble.TryParse(input, out Preamble preamble) == PreambleStatus.Complete)
        {
            FuzzTarget.Require(preamble.ToArray().AsSpan().SequenceEqual(input), "A preamble was taken that isn't written so.");
        }
    }

    public static IReadOnlyList<byte[]> PreambleSamples() =>
        [.. Enum.GetValues<ConnectionKind>().SelectMany(kind => (byte[][])[new Preamble(kind).ToArray(), new Preamble(kind, 3).ToArray()])];

    public static void Hello(ReadOnlySpan<byte> input)
    {
        if (input.Length != Transport.Handshakes.Hello.Bytes)
        {
            return;
        }

        Span<byte> again = stackalloc byte[Transport.Handshakes.Hello.SecretOffset];
        foreach (bool fromConnector in (ReadOnlySpan<bool>)[true, false])
        {
            if (Transport.Handshakes.Hello.TryParse(input, fromConnector, out Hello hello) is null)
            {
                hello.Format(again);
                FuzzTarget.Require(again.SequenceEqual(input[..again.Length]), "A hello was taken that isn't written so.");
                FuzzTarget.Require(hello.MaxPayloadBytes is >= LinkOptions.MinPayloadBytes and <= FrameLayout.PayloadCeiling, "A hello with an absurd limit was taken.");
                FuzzTarget.Require((hello.ConnectionId == 0) == fromConnector, "A hello with the wrong connection id was taken.");
            }
        }
    }

    public static IReadOnlyList<byte[]> HelloSamples()
    {
        byte[] connector = new byte[Transport.Handshakes.Hello.Bytes];
        byte[] listener = new byte[Transport.Handshakes.Hello.Bytes];
        new Hello(CipherSuites.Aes256Gcm | CipherSuites.Aegis128L, 64 << 20, 0).Format(connector);
        new Hello(CipherSuites.Aegis128L, 64 << 20, ConnectionId).Format(listener);
        return [connector, listener];
    }

    public static void Control(ReadOnlySpan<byte> input)
    {
        if (input.Length == Transport.Links.ControlMessage.Bytes
            && Transport.Links.ControlMessage.TryParse(input, out ControlKind kind, out ulong number))
        {
            Span<byte> again = stackalloc byte[Transport.Links.ControlMessage.Bytes];
            Transport.Links.ControlMessage.Format(kind, number, input[Transport.Links.ControlMessage.SecretOffset..], again);
            FuzzTarget.Require(again.SequenceEqual(input), "A message was taken that isn't written so.");
        }
    }

    public static IReadOnlyList<byte[]> ControlSamples() => [.. Enum.GetValues<ControlKind>().Select(kind =>
    {
        byte[] message = new byte[Transport.Links.ControlMessage.Bytes];
        Transport.Links.ControlMessage.Format(kind, 1, kind is ControlKind.KeyOffer or ControlKind.KeyAnswer ? new byte[32] : [], message);
        return message;
    })];

    /// <summary>Outer header, then inner header and payload as they are after the seal was opened.</summary>
    public static void Frame(ReadOnlySpan<byte> input)
    {
        FrameStatus status = OuterHeader.TryRead(input, MaxPayloadBytes, keyPhase: 0, nextIsReady: true, nextSequence: 0, ConnectionId, out OuterHeader outer);
        FuzzTarget.Require(status != FrameStatus.NeedMoreData || input.Length < FrameLayout.OuterBytes, "A whole header was called short.");
        if (status != FrameStatus.Complete)
        {
            return;
        }

        FuzzTarget.Require(outer.Length is >= 0 and <= MaxPayloadBytes, "A frame longer than agreed was taken.");
        Span<byte> again = stackalloc byte[FrameLayout.PrefixBytes];
        outer.Format(again);
        FuzzTarget.Require(again[..FrameLayout.OuterBytes].SequenceEqual(input[..FrameLayout.OuterBytes]), "An outer header was taken that isn't written so.");
        if (input.Length < FrameLayout.FrameBytes(outer.Length) || !FrameHeader.TryParse(input, out FrameHeader header))
        {
            return;
        }

        header.Format(again);
        FuzzTarget.Require(again.SequenceEqual(input[..FrameLayout.PrefixBytes]), "An inner header was taken that isn't written so.");
        ReadOnlySpan<byte> payload = input.Slice(FrameLayout.PrefixBytes, outer.Length);
        bool isNumber = payload.Length == ProbeWriter.Bytes;
        FuzzTarget.Require(ProbeWriter.TryParseReply(payload, out _) == isNumber && CreditWriter.TryParse(payload, out _) == isNumber, "A number of another length was taken.");
        FuzzTarget.Require(ProbeWriter.TryParseProbe(payload, out _) == payload.Length >= ProbeWriter.Bytes, "A probe without its number was taken.");
        FuzzTarget.Require(CloseWriter.TryParse(payload, out _) == (payload.Length == CloseWriter.Bytes), "A reason of another length was taken.");
        Transfer(payload);
    }

    public static IReadOnlyList<byte[]> FrameSamples() => [.. Enum.GetValues<FrameType>().Select(type =>
    {
        int length = type switch
        {
            FrameType.Close => CloseWriter.Bytes,
            FrameType.Probe or FrameType.ProbeReply or FrameType.Credit => ProbeWriter.Bytes,
            _ => 100,
        };
        byte[] frame = new byte[FrameLayout.FrameBytes(length)];
        new OuterHeader(type, length, 0, 0, ConnectionId).Format(frame);
        new FrameHeader(1, 2, 3, 0, 1, 1).Format(frame);
        return frame;
    })];

    public static void Transfer(ReadOnlySpan<byte> input)
    {
        if (BulkReceiver.TryReadBegin(input, out BulkTransfer? transfer, out long position))
        {
            FuzzTarget.Require(BulkPayload.Begin(transfer, position).AsSpan().SequenceEqual(input), "A begin was taken that isn't written so.");
            FuzzTarget.Require(position >= 0 && position <= transfer.Length && transfer.Length <= BulkTransfer.MaxLength, "A begin with absurd numbers was taken.");
            FuzzTarget.Require(!BulkPayload.TryReadData(input, out _), "A payload was taken for both a begin and data.");
        }
        else if (BulkPayload.TryReadData(input, out _))
        {
            FuzzTarget.Require(input.Length > BulkPayload.DataOffset, "Data without data was taken.");
        }
    }

    public static IReadOnlyList<byte[]> TransferSamples()
    {
        byte[] data = new byte[60];
        "NSTD"u8.CopyTo(data);
        return [BulkPayload.Begin(new BulkTransfer("layers/3", 1 << 20, new byte[32]), 4096), BulkPayload.Begin(new BulkTransfer("k", 0, new byte[32]), 0), data];
    }
}
