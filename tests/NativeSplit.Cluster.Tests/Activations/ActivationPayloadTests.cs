using NativeSplit.Cluster.Activations;
using NativeSplit.Engine;
using NativeSplit.Engine.Execution;
using NativeSplit.Transport.Frames;

namespace NativeSplit.Cluster.Tests.Activations;

public sealed class ActivationPayloadTests
{
    private const int Hidden = 4;
    private static readonly SequenceRows[] Batch = [new(new SequenceId(7), 3, 2), new(new SequenceId(ulong.MaxValue), 0, 1)];
    private static readonly float[] Rows = [1, -2, 3.5f, 0, 0.25f, 6, -7, 8, 9, 10, 11, -12];

    [Theory]
    [InlineData(RowEncoding.F32)]
    [InlineData(RowEncoding.BF16)]
    [InlineData(RowEncoding.F16)]
    public void TryRead_ReadsBack_WhatWriteWrote(RowEncoding encoding)
    {
        byte[] payload = Written(encoding);
        var batch = new SequenceRows[4];
        float[] hidden = new float[5 * Hidden];

        Assert.Equal(ActivationStatus.Complete, ActivationPayload.TryRead(HeaderOf(encoding), payload, encoding, Hidden, batch, hidden));
        Assert.Equal(Batch, batch[..2]);

        // The values are short enough to be exact in every encoding.
        Assert.Equal(Rows, hidden[..12]);
    }

    [Fact]
    public void Write_LaysOutTheTableLittleEndian()
    {
        byte[] payload = Written(RowEncoding.F32);
        Assert.Equal([7, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 2, 0, 0, 0], payload[..16]);
        Assert.Equal(BitConverter.GetBytes(-2f), payload[36..40]);
    }

    [Fact]
    public void TryRead_SaysWrongEncoding_WhenItIsNotTheOneAgreed() =>
        Assert.Equal(ActivationStatus.WrongEncoding, Read(HeaderOf(RowEncoding.BF16), Written(RowEncoding.BF16), RowEncoding.F32));

    [Theory]
    [InlineData(5u, 3u)]
    [InlineData(2u, 6u)]
    [InlineData(uint.MaxValue, uint.MaxValue)]
    public void TryRead_SaysTooLarge_WhenMoreComesThanAgreed(uint sequences, uint rows) =>
        Assert.Equal(ActivationStatus.TooLarge, Read(HeaderOf(RowEncoding.F32) with { Sequences = sequences, Rows = rows }, Written(RowEncoding.F32), RowEncoding.F32));

    [Theory]
    [InlineData(0u, 3u)]
    [InlineData(2u, 0u)]
    [InlineData(1u, 3u)]
    [InlineData(2u, 2u)]
    [InlineData(3u, 3u)]
    public void TryRead_SaysMalformed_WhenTheCountsDoNotFitTheLength(uint sequences, uint rows) =>
        Assert.Equal(ActivationStatus.Malformed, Read(HeaderOf(RowEncoding.F32) with { Sequences = sequences, Rows = rows }, Written(RowEncoding.F32), RowEncoding.F32));

    [Theory]
    [InlineData(12, 0u)]
    [InlineData(12, 3u)]
    [InlineData(12, 1u)]
    [InlineData(12, 0xFFFFFFFFu)]
    [InlineData(8, 0x7FFFFFFFu)]
    [InlineData(8, 0xFFFFFFFFu)]
    public void TryRead_SaysMalformed_WhenATableEntryIsAbsurd(int offset, uint value)
    {
        byte[] payload = Written(RowEncoding.F32);
        BitConverter.GetBytes(value).CopyTo(payload, offset);
        Assert.Equal(ActivationStatus.Malformed, Read(HeaderOf(RowEncoding.F32), payload, RowEncoding.F32));
    }

    [Fact]
    public void TryRead_NeverThrows_WhenThePayloadIsNoise()
    {
        var random = new Random(20260501);
        for (int i = 0; i < 2000; i++)
        {
            byte[] payload = new byte[random.Next(0, 200)];
            random.NextBytes(payload);
            var header = new FrameHeader(1, 1, 1, (byte)random.Next(0, 3), (uint)random.Next(0, 6), (uint)random.Next(0, 7));
            Read(header, payload, RowEncoding.F32);
        }
    }

    [Fact]
    public void WriteAndRead_AllocateNothing()
    {
        byte[] payload = Written(RowEncoding.F32);
        var batch = new SequenceRows[4];
        float[] hidden = new float[5 * Hidden];
        FrameHeader header = HeaderOf(RowEncoding.F32);
        ActivationPayload.TryRead(header, payload, RowEncoding.F32, Hidden, batch, hidden);

        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 100; i++)
        {
            ActivationPayload.Write(Batch, Rows, RowEncoding.F32, payload);
            ActivationPayload.TryRead(header, payload, RowEncoding.F32, Hidden, batch, hidden);
        }

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    private static ActivationStatus Read(FrameHeader header, byte[] payload, RowEncoding encoding) =>
        ActivationPayload.TryRead(header, payload, encoding, Hidden, new SequenceRows[4], new float[5 * Hidden]);

    private static FrameHeader HeaderOf(RowEncoding encoding) => new(1, 1, 1, (byte)encoding, 2, 3);

    private static byte[] Written(RowEncoding encoding)
    {
        byte[] payload = new byte[ActivationPayload.LengthOf(2, 3, Hidden, encoding)];
        ActivationPayload.Write(Batch, Rows, encoding, payload);
        return payload;
    }
}
