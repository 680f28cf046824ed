using NativeSplit.Model.Files;
using NativeSplit.Testing;

namespace NativeSplit.Model.Tests.Files.Gguf;

public sealed class FileSignatureTests
{
    public static TheoryData<byte[], string> Files => new()
    {
        { [], "empty" },
        { new byte[4096], "zeros" },
        { [.. "lmgg"u8, 1, 0, 0, 0], "before GGUF" },
        { [.. "tjgg"u8, 3, 0, 0, 0], "before GGUF" },
        { [.. "FUGG"u8, 3, 0, 0, 0], "big-endian" },
        { "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n"u8.ToArray(), "git lfs pull" },
        { [.. "PK"u8, 3, 4, 0, 0], "zip" },
        { [0x80, 2, 0x8A, 0x0A], "pickle" },
        { [0x1F, 0x8B, 8, 0], "gzip" },
        { new SafetensorsBuilder().AddZeros("w", 4).Build(), "safetensors" },
        { "\r\n<!DOCTYPE html><html><body>403</body></html>"u8.ToArray(), "web page" },
        { "{\"error\": \"not found\"}"u8.ToArray(), "JSON" },
        { "Entry not found"u8.ToArray(), "Entry not found" },
        { [0xDE, 0xAD, 0xBE, 0xEF, 1, 2, 3, 4, 5], "DEADBEEF01020304" },
        { "GG"u8.ToArray(), "GG" },
    };

    [Theory]
    [MemberData(nameof(Files), DisableDiscoveryEnumeration = true)]
    public void Open_SaysWhatTheFileLooksLike_WhenItIsNoGguf(byte[] content, string named)
    {
        using var folder = new TemporaryFolder();
        string path = folder.Write("model.gguf", content);

        var error = Assert.Throws<ModelException>(() => ModelFile.Open(path));

        Assert.Equal(ModelFault.Corrupt, error.Fault);
        Assert.Contains(path, error.Message, StringComparison.Ordinal);
        Assert.Contains(named, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Open_IsCorrupt_WhenOnlyTheMagicIsLeft()
    {
        using var folder = new TemporaryFolder();
        string path = folder.Write("model.gguf", "GGUF"u8.ToArray());

        Assert.Equal(ModelFault.Corrupt, Assert.Throws<ModelException>(() => ModelFile.Open(path)).Fault);
    }
}
