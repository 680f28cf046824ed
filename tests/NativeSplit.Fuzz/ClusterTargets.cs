using System.Buffers.Binary;
using NativeSplit.Cluster;
using NativeSplit.Cluster.Activations;
using NativeSplit.Cluster.Messages;
using NativeSplit.Engine;
using NativeSplit.Engine.Execution;
using NativeSplit.Transport.Frames;

namespace NativeSplit.Fuzz;

/// <summary>The readers of what the cluster says in frames.</summary>
internal static class ClusterTargets
{
    private const int HiddenSize = 4;
    private const int MaxSequences = 8;
    private const int MaxRows = 16;

    public static void Message(ReadOnlySpan<byte> input)
    {
        ControlMessage message;
        try
        {
            message = ControlCodec.Decode(input);
        }
        catch (ClusterException e)
        {
            FuzzTarget.Require(e.Fault == ClusterFault.Protocol, $"A message was refused with {e.Fault}.");
            return;
        }

        byte[] again = ControlCodec.Encode(message);
        FuzzTarget.Require(ControlCodec.Decode(again).Equals(message) || ControlCodec.Encode(ControlCodec.Decode(again)).AsSpan().SequenceEqual(again), "A message was taken that isn't written so.");
    }

    public static IReadOnlyList<byte[]> MessageSamples() =>
    [
        ControlCodec.Encode(new NodeHello { Port = 7500, AdvertisedHost = "h", ModelFingerprint = "f", ModelName = "m" }),
        ControlCodec.Encode(new ReserveSequence { Epoch = 1, Stage = 1, Sequence = 2, Tokens = 64 }),
        ControlCodec.Encode(new SequenceReserved { Epoch = 1, Stage = 1, Sequence = 2, Granted = true }),
        ControlCodec.Encode(new StepFailed { Epoch = 1, Stage = 2, Batch = 3, Reason = "why" }),
        ControlCodec.Encode(new AssignStage
        {
            Epoch = 1, Stage = 1, LayerStart = 0, LayerEnd = 4, ModelFingerprint = "f", Encoding = 0, MaxRows = 8, MaxSequences = 4, KvTokens = 64,
            Previous = "spiffe://c/gateway", Next = new NextHop("spiffe://c/worker/w", "host", 7501),
        }),
    ];

    /// <summary>Sequences and rows as the header says (one byte each), the encoding, then the payload.</summary>
    public static void Rows(ReadOnlySpan<byte> input)
    {
        if (input.Length < 3)
        {
            return;
        }

        Span<SequenceRows> batch = stackalloc SequenceRows[MaxSequences];
        Span<float> hidden = stackalloc float[MaxRows * HiddenSize];
        var header = new FrameHeader(1, 2, 3, input[2], input[0], input[1]);
        foreach (RowEncoding encoding in (ReadOnlySpan<RowEncoding>)[RowEncoding.F32, RowEncoding.BF16, RowEncoding.F16])
        {
            if (ActivationPayload.TryRead(header, input[3..], encoding, HiddenSize, batch, hidden) != ActivationStatus.Complete)
            {
                continue;
            }

            long rows = 0;
            foreach (SequenceRows entry in batch[..(int)header.Sequences])
            {
                FuzzTarget.Require(entry.Count > 0 && entry.Position >= 0 && (long)entry.Position + entry.Count <= int.MaxValue, "An absurd entry was taken.");
                rows += entry.Count;
            }

            FuzzTarget.Require(rows == header.Rows && header.Rows <= MaxRows && header.Sequences <= MaxSequences, "Rows were taken that don't add up.");
        }
    }

    public static IReadOnlyList<byte[]> RowsSamples()
    {
        var samples = new List<byte[]>();
        foreach (RowEncoding encoding in (RowEncoding[])[RowEncoding.F32, RowEncoding.BF16, RowEncoding.F16])
        {
            SequenceRows[] batch = [new(new SequenceId(7), 0, 3), new(new SequenceId(8), 41, 1)];
            byte[] sample = new byte[3 + ActivationPayload.LengthOf(2, 4, HiddenSize, encoding)];
            (sample[0], sample[1], sample[2]) = (2, 4, (byte)encoding);
            ActivationPayload.Write(batch, new float[4 * HiddenSize], encoding, sample.AsSpan(3));
            BinaryPrimitives.WriteUInt64LittleEndian(sample.AsSpan(3), ulong.MaxValue);
            samples.Add(sample);
        }

        return samples;
    }
}
