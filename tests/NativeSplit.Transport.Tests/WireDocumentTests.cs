using System.Globalization;
using System.Text.RegularExpressions;
using NativeSplit.Testing;
using NativeSplit.Transport.Bulk;
using NativeSplit.Transport.Frames;
using NativeSplit.Transport.Handshakes;
using NativeSplit.Transport.Links;
using NativeSplit.Transport.Sealing;

namespace NativeSplit.Transport.Tests;

/// <summary>docs/wire.md says what the code does.</summary>
public sealed partial class WireDocumentTests
{
    private static readonly string Text = File.ReadAllText(Path.Combine(TestData.RepositoryRoot, "docs", "wire.md"));

    [Fact]
    public void FrameTable_HasTheOffsetsOfTheCode() => Assert.Equal(
        [
            (FrameLayout.MagicOffset, "magic"), (FrameLayout.VersionOffset, "version"), (FrameLayout.TypeOffset, "type"),
            (FrameLayout.FlagsOffset, "flags"), (FrameLayout.LengthOffset, "length"), (FrameLayout.KeyPhaseOffset, "key phase"),
            (FrameLayout.SequenceOffset, "sequence"), (FrameLayout.ConnectionIdOffset, "connection id"), (FrameLayout.EpochOffset, "epoch"),
            (FrameLayout.BatchOffset, "batch"), (FrameLayout.StageOffset, "stage"), (FrameLayout.EncodingOffset, "encoding"),
            (FrameLayout.ReservedOffset, "reserved"), (FrameLayout.SequencesOffset, "sequences"), (FrameLayout.RowsOffset, "rows"),
            (FrameLayout.ReservedTailOffset, "reserved tail"),
        ],
        Layout("Frame", FrameLayout.PrefixBytes));

    [Fact]
    public void PreambleTable_HasTheOffsetsOfTheCode() => Assert.Equal(
        [
            (Preamble.MagicOffset, "magic"), (Preamble.VersionOffset, "version"), (Preamble.KindOffset, "kind"),
            (Preamble.AnswerOffset, "answer"), (Preamble.ReservedOffset, "reserved"),
        ],
        Layout("Preamble", Preamble.Bytes));

    [Fact]
    public void HelloTable_HasTheOffsetsOfTheCode() => Assert.Equal(
        [
            (Hello.MagicOffset, "magic"), (Hello.VersionOffset, "version"), (Hello.SuitesOffset, "suites"),
            (Hello.MaxPayloadOffset, "max payload"), (Hello.ConnectionIdOffset, "connection id"), (Hello.ReservedOffset, "reserved"),
            (Hello.SecretOffset, "secret"),
        ],
        Layout("Hello", Hello.Bytes));

    [Fact]
    public void TransferTables_HaveTheOffsetsOfTheCode()
    {
        Assert.Equal(
            [
                (BulkPayload.MagicOffset, "magic"), (BulkPayload.NameCharactersOffset, "name characters"), (BulkPayload.PositionOffset, "position"),
                (BulkPayload.LengthOffset, "length"), (BulkPayload.HashOffset, "hash"),
            ],
            Layout("Begin", BulkPayload.NameOffset));
        Assert.Equal(
            [(BulkPayload.MagicOffset, "magic"), (BulkPayload.NameCharactersOffset, "reserved"), (BulkPayload.PositionOffset, "position")],
            Layout("Data", BulkPayload.DataOffset));
        Assert.Equal((1L << 50, 255), (BulkTransfer.MaxLength, BulkTransfer.MaxNameCharacters));
    }

    [Fact]
    public void TypeTable_HasTheTypesOfTheCode() =>
        Assert.Equal(Enum.GetValues<FrameType>().Select(type => ((int)type, type.ToString())), Values("| Value | Type |"));

    [Fact]
    public void ReasonTable_HasTheReasonsOfTheCode() =>
        Assert.Equal(Enum.GetValues<LinkFault>().Select(fault => ((int)fault, fault.ToString())), Values("| Value | Reason |"));

    [Fact]
    public void MessageTable_HasTheOffsetsOfTheCode() => Assert.Equal(
        [
            (ControlMessage.MagicOffset, "magic"), (ControlMessage.KindOffset, "kind"), (ControlMessage.NumberOffset, "number"),
            (ControlMessage.SecretOffset, "secret"),
        ],
        Layout("Message", ControlMessage.Bytes));

    [Fact]
    public void KindTable_HasTheKindsOfTheCode() =>
        Assert.Equal(Enum.GetValues<ControlKind>().Select(kind => ((int)kind, kind.ToString())), Values("| Value | Kind |"));

    [Fact]
    public void SuiteTable_HasTheSuitesOfTheCode()
    {
        IEnumerable<string> expected = Enum.GetValues<CipherSuites>().Where(suite => suite != CipherSuites.None).Select(suite =>
        {
            int key = FrameCipher.KeyBytes(suite);
            int iv = FrameCipher.IvBytes(suite);
            using FrameCipher cipher = FrameCipher.Create(suite, new byte[key], new byte[iv]);
            return $"| {(uint)suite} | {suite} | {key} | {iv} | {cipher.TagBytes} |";
        });
        Assert.Equal(expected, Rows("| Bit | Suite |"));
    }

    [Fact]
    public void Numbers_AreThoseOfTheCode()
    {
        var options = new LinkOptions();
        Assert.Contains($"({options.HandshakeTimeout.TotalSeconds} s unless configured)", Text, StringComparison.Ordinal);
        Assert.Contains($"lets {options.MaxPendingHandshakes} handshakes be unfinished at once, and {options.MaxPendingEnrolments} enrolments besides", Text, StringComparison.Ordinal);
        Assert.Contains($"an enrolment has {options.EnrolmentTimeout.TotalSeconds} s in all", Text, StringComparison.Ordinal);
        Assert.Contains($"({options.CloseTimeout.TotalSeconds} s unless configured)", Text, StringComparison.Ordinal);
        Assert.Contains($"the last {FrameSealer.CloseReserveBytes} of them for a close frame only", Text, StringComparison.Ordinal);
        Assert.Contains($"u32 length (1 to {ListenerHandshakes.MaxAuthorityBytes})", Text, StringComparison.Ordinal);
        Assert.Contains($"at most {PeerIdentity.MaxCharacters} characters", Text, StringComparison.Ordinal);
        Assert.Contains(TlsRules.LinkProtocol.ToString(), Text, StringComparison.Ordinal);
        Assert.Contains(TlsRules.EnrolmentProtocol.ToString(), Text, StringComparison.Ordinal);
        Assert.Equal((1L << 39, 1 << 30, 64), (FrameSealer.DefaultLimitBytes, FrameLayout.PayloadCeiling, LinkOptions.MinPayloadBytes));
        Assert.Contains($"is {options.RekeyAfter.TotalSeconds} s old since its first frame, or has sealed 2^38 bytes", Text, StringComparison.Ordinal);
        Assert.Contains($"an answer {options.RefuseAfter.TotalSeconds} s after", Text, StringComparison.Ordinal);
        Assert.Contains($"at\n{options.PeerTimeout.TotalSeconds} s without a sign of life", Text, StringComparison.Ordinal);
        Assert.Contains($"are those of {options.IdleTimeout.TotalSeconds} s", Text, StringComparison.Ordinal);
        Assert.Contains($"at most {LinkOptions.BulkPayloadCeiling} bytes of something large", Text, StringComparison.Ordinal);
        Assert.Contains($"or than {LinkOptions.BulkPayloadCeiling} of a bulk frame", Text, StringComparison.Ordinal);
        Assert.Contains($"a credit of {FrameLayout.InitialBulkCredit} bytes", Text, StringComparison.Ordinal);
        Assert.Contains($"from {FrameLayout.InitialBulkCredit} to 2^30 bytes (2^20 unless\nconfigured)", Text, StringComparison.Ordinal);
        Assert.Equal((1 << 30, 1 << 20), (LinkOptions.BulkWindowCeiling, options.BulkWindowBytes));
        Assert.Contains("at most 2^39 bytes", Text, StringComparison.Ordinal);
        Assert.Contains("64 to 2^30", Text, StringComparison.Ordinal);
    }

    // The rows of the table whose third heading is given; checks that they follow each other without a gap.
    private static List<(int Offset, string Name)> Layout(string heading, int bytes)
    {
        var fields = new List<(int, string)>();
        int next = 0;
        foreach (string row in Rows($"| Offset | Size | {heading} |"))
        {
            Match match = FieldRow().Match(row);
            Assert.True(match.Success, row);
            int offset = Number(match.Groups[1]);
            Assert.Equal(next, offset);
            next = offset + Number(match.Groups[2]);
            fields.Add((offset, match.Groups[3].Value));
        }

        Assert.Equal(bytes, next);
        return fields;
    }

    private static IEnumerable<(int Value, string Name)> Values(string heading) => Rows(heading).Select(row =>
    {
        Match match = ValueRow().Match(row);
        Assert.True(match.Success, row);
        return (Number(match.Groups[1]), match.Groups[2].Value);
    });

    private static string[] Rows(string heading)
    {
        int start = Text.IndexOf(heading, StringComparison.Ordinal);
        Assert.True(start >= 0, heading);
        return [.. Text[start..].Split('\n').Skip(2).TakeWhile(line => line.StartsWith('|'))];
    }

    private static int Number(Group group) => int.Parse(group.ValueSpan, CultureInfo.InvariantCulture);

    [GeneratedRegex(@"^\| (\d+) \| (\d+) \| ([a-z ]+) \|")]
    private static partial Regex FieldRow();

    [GeneratedRegex(@"^\| (\d+) \| (\w+) \|")]
    private static partial Regex ValueRow();
}
