using System.Text.Json.Serialization;
using NativeSplit.Cluster.Activations;
using NativeSplit.Cluster.Identity;
using NativeSplit.Cluster.Messages;
using NativeSplit.Engine.Execution;
using NativeSplit.Kernels;
using NativeSplit.Testing;

namespace NativeSplit.Cluster.Tests;

/// <summary>Section 8 of docs/wire.md says what the code does.</summary>
public sealed class WireDocumentTests
{
    private static readonly string[] Lines = File.ReadAllLines(Path.Combine(TestData.RepositoryRoot, "docs", "wire.md"));

    [Fact]
    public void Messages_AreTheKindsOfTheCode()
    {
        IEnumerable<string> kinds = typeof(ControlMessage).GetCustomAttributes(typeof(JsonDerivedTypeAttribute), inherit: false)
            .Cast<JsonDerivedTypeAttribute>().Select(attribute => (string)attribute.TypeDiscriminator!);
        Assert.Equal(kinds, Rows("### 8.2").Select(row => row[0]));
    }

    [Fact]
    public void Encodings_AreTheOnesOfTheCode() =>
        Assert.Equal(
            Enum.GetValues<RowEncoding>().Select(encoding => ($"{(int)encoding}", $"{encoding}")),
            Rows("### 8.1").Where(row => int.TryParse(row[0], out _)).Select(row => (row[0], row[1])));

    [Fact]
    public void KvTypes_AreTheOnesOfTheCode() =>
        Assert.Contains(
            Section("### 8.3"),
            line => line.Contains(string.Join(", ", Enum.GetValues<KeyValueType>().Select(type => $"{(int)type} {type.ToString().ToLowerInvariant()}")), StringComparison.Ordinal));

    [Fact]
    public void Limits_AreTheOnesOfTheCode()
    {
        Assert.Contains(Lines, line => line.Contains($"{ControlCodec.MaxBytes} bytes", StringComparison.Ordinal));
        Assert.Contains(Lines, line => line.Contains($"| entry × sequences | {ActivationPayload.EntryBytes} each |", StringComparison.Ordinal));
        Assert.Contains(Section("### 8.4"), line => line.Contains($"1 to {LengthPrefixed.MaxBytes}", StringComparison.Ordinal));
    }

    private static IEnumerable<string> Section(string heading) =>
        Lines.SkipWhile(line => !line.StartsWith(heading, StringComparison.Ordinal)).Skip(1).TakeWhile(line => !line.StartsWith('#'));

    private static IEnumerable<string[]> Rows(string heading) => Section(heading)
        .Where(line => line.StartsWith('|') && !line.StartsWith("|--", StringComparison.Ordinal))
        .Select(line => line.Trim('|').Split('|', StringSplitOptions.TrimEntries))
        .Where(cells => cells[0] is not ("Kind" or "Part" or "Encoding"));
}
