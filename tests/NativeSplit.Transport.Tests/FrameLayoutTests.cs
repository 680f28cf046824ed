using NativeSplit.Transport.Frames;
using NativeSplit.Transport.Handshakes;
using NativeSplit.Transport.Links;
using NativeSplit.Transport.Sealing;

namespace NativeSplit.Transport.Tests;

/// <summary>Where each field lies, and that no bytes at all make a reader stumble.</summary>
public sealed class FrameLayoutTests
{
    [Fact]
    public void Frame_HasItsFieldsAtTheirOffsets_WhenFormatted()
    {
        byte[] frame = new byte[FrameLayout.PrefixBytes];
        Array.Fill(frame, (byte)0xEE);
        new OuterHeader(FrameType.Control, 0x01020304, 0x91929394, 0x1112131415161718, 0x2122232425262728).Format(frame);
        new FrameHeader(0x3132333435363738, 0x4142434445464748, 0x5152, 0x61, 0x71727374, 0x81828384).Format(frame);
        Assert.Equal(
            "4e53" + "01" + "02" + "00000000" + "04030201" + "94939291" + "1817161514131211" + "2827262524232221"
            + "3837363534333231" + "4847464544434241" + "5251" + "61" + "00" + "74737271" + "84838281" + "00000000",
            Convert.ToHexStringLower(frame));
    }

    [Fact]
    public void Handshake_HasItsFieldsAtTheirOffsets_WhenFormatted()
    {
        Assert.Equal("4e53504c01030400", Convert.ToHexStringLower(new Preamble(ConnectionKind.Enrolment, 4).ToArray()));
        byte[] hello = new byte[Hello.SecretOffset];
        Array.Fill(hello, (byte)0xEE);
        new Hello((CipherSuites)0x01020304, 0x11121314, 0x2122232425262728).Format(hello);
        Assert.Equal(
            "4e534849" + "01000000" + "04030201" + "14131211" + "2827262524232221" + "0000000000000000", Convert.ToHexStringLower(hello));
    }

    [Theory]
    [InlineData(0, 128)]
    [InlineData(32, 128)]
    [InlineData(33, 192)]
    [InlineData(96, 192)]
    [InlineData(4096, 4224)]
    [InlineData(FrameLayout.PayloadCeiling, FrameLayout.PayloadCeiling + 128)]
    public void FrameBytes_IsTheNextMultipleOf64_WhenHeadersAndTagAreAdded(int payload, int frame)
    {
        Assert.Equal(frame, FrameLayout.FrameBytes(payload));
        Assert.Equal(frame - 32, FrameLayout.SealedBytes(payload));
    }

    [Fact]
    public void OuterHeader_IsJudgedWithoutAFault_WhenTheBytesAreAnything()
    {
        int seed = Environment.TickCount;
        TestContext.Current.TestOutputHelper?.WriteLine($"seed {seed}");
        var random = new Random(seed);
        byte[] valid = new byte[FrameLayout.OuterBytes];
        new OuterHeader(FrameType.Activations, 100, 4, 7, 9).Format(valid);
        for (int i = 0; i < 200_000; i++)
        {
            byte[] bytes;
            if (i % 2 == 0)
            {
                bytes = new byte[random.Next(0, 80)];
                random.NextBytes(bytes);
            }
            else
            {
                bytes = [.. valid];
                for (int flips = random.Next(0, 4); flips > 0; flips--)
                {
                    bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
                }
            }

            FrameStatus status = OuterHeader.TryRead(bytes, 1000, 4, i % 3 == 0, 7, 9, out OuterHeader header);
            Assert.True(Enum.IsDefined(status));
            Assert.Equal(bytes.Length < FrameLayout.OuterBytes, status == FrameStatus.NeedMoreData);
            if (status != FrameStatus.Complete)
            {
                Assert.Equal(default, header);
                continue;
            }

            // What is accepted is exactly what would be written.
            Assert.InRange(header.Length, 0, 1000);
            byte[] again = new byte[FrameLayout.OuterBytes];
            header.Format(again);
            Assert.Equal(again, bytes[..FrameLayout.OuterBytes]);
        }
    }

    [Fact]
    public void Hello_IsJudgedWithoutAFault_WhenTheBytesAreAnything()
    {
        int seed = Environment.TickCount;
        TestContext.Current.TestOutputHelper?.WriteLine($"seed {seed}");
        var random = new Random(seed);
        byte[] valid = new byte[Hello.Bytes];
        new Hello(CipherSuites.Aes256Gcm, 1000, 5).Format(valid);
        Assert.Null(Hello.TryParse(valid, fromConnector: false, out _));
        for (int i = 0; i < 100_000; i++)
        {
            byte[] bytes = [.. valid];
            for (int flips = random.Next(0, 4); flips > 0; flips--)
            {
                bytes[random.Next(Hello.SecretOffset)] = (byte)random.Next(256);
            }

            LinkFault? fault = Hello.TryParse(bytes, fromConnector: false, out Hello hello);
            Assert.True(fault is null or LinkFault.Malformed or LinkFault.VersionMismatch);
            if (fault is null)
            {
                byte[] again = new byte[Hello.Bytes];
                hello.Format(again);
                Assert.Equal(again, bytes);
                Assert.InRange(hello.MaxPayloadBytes, (uint)LinkOptions.MinPayloadBytes, (uint)FrameLayout.PayloadCeiling);
            }
        }
    }

    [Theory]
    [InlineData(8u, 1000u, 5ul)]
    [InlineData(3u, 1000u, 5ul)]
    [InlineData(1u, 63u, 5ul)]
    [InlineData(1u, (1u << 30) + 1, 5ul)]
    [InlineData(1u, 1000u, 0ul)]
    public void Hello_IsRefused_WhenTheListenersParametersMakeNoSense(uint suites, uint max, ulong id)
    {
        byte[] bytes = new byte[Hello.Bytes];
        new Hello((CipherSuites)suites, max, id).Format(bytes);
        Assert.Equal(LinkFault.Malformed, Hello.TryParse(bytes, fromConnector: false, out _));
    }

    [Fact]
    public void Proofs_AndSecretsHaveTheirSizes_WhenOnTheWire()
    {
        Assert.Equal(32, LinkKeys.SecretBytes);
        Assert.Equal(40, WaitingLinks.ClaimBytes);
        Assert.Equal(64, Hello.Bytes);
    }
}
