using NativeSplit.Model.Files.Gguf;
using NativeSplit.Testing;

namespace NativeSplit.Model.Tests.Files.Gguf;

public sealed class GgufCorruptionTests
{
    private static readonly byte[] Row = new byte[128];

    [Fact]
    public void Read_NamesTheKey_WhenItStandsTwice() =>
        ExpectCorrupt(new GgufBuilder().AddBool("general.x", true).AddBool("general.x", true), "key 'general.x'", "twice");

    [Fact]
    public void Read_NamesTheTensor_WhenItStandsTwice() =>
        ExpectCorrupt(new GgufBuilder().AddTensor("w", 0, [32], Row).AddTensor("w", 0, [32], Row), "tensor 'w'", "twice");

    [Theory]
    [InlineData(0)]
    [InlineData(5)]
    public void Read_NamesTheTensor_WhenItsDimensionsAreTooFewOrTooMany(int dimensions) =>
        ExpectCorrupt(new GgufBuilder().AddTensor("w", 0, [.. Enumerable.Repeat(1L, dimensions)], Row), "tensor 'w'", $"{dimensions} dimensions");

    [Theory]
    [InlineData(0)]
    [InlineData(-1)]
    public void Read_NamesTheTensor_WhenAnExtentIsNotPositive(long extent) =>
        ExpectCorrupt(new GgufBuilder().AddTensor("w", 0, [extent, 32], Row), "tensor 'w'", "extent");

    [Fact]
    public void Read_NamesTheTensor_WhenItsShapeOverflows() =>
        ExpectCorrupt(new GgufBuilder().AddTensor("w", 0, [1L << 31, 1L << 31, 1L << 31], Row), "tensor 'w'", "overflows");

    [Fact]
    public void Read_NamesTheTensor_WhenARowIsNoWholeNumberOfBlocks() =>
        ExpectCorrupt(new GgufBuilder().AddTensor("w", 12, [1, 128], Row), "tensor 'w'", "Q4_K", "256");

    [Fact]
    public void Read_NamesTheTensor_WhenItsOffsetIsNotAligned() =>
        ExpectCorrupt(new GgufBuilder().AddTensor("w", 0, [32], Row, offset: 16), "tensor 'w'", "multiple of the alignment 32");

    [Fact]
    public void Read_NamesTheTensor_WhenItLiesBehindTheFile() =>
        ExpectCorrupt(new GgufBuilder().AddTensor("w", 0, [32], Row, offset: 1 << 20), "tensor 'w'", "truncated");

    [Fact]
    public void Read_NamesTheTensor_WhenItsOffsetIsAbsurd() =>
        ExpectCorrupt(new GgufBuilder().AddTensor("w", 0, [32], Row, offset: ulong.MaxValue - 31), "tensor 'w'");

    [Fact]
    public void Read_NamesBothTensors_WhenTheyOverlap() =>
        ExpectCorrupt(
            new GgufBuilder().AddTensor("a", 0, [32], Row).AddTensor("b", 0, [32], Row, offset: 96), "'a'", "'b'", "overlap");

    [Fact]
    public void Read_NamesTheTensor_WhenTheFileLacksItsLastByte()
    {
        byte[] whole = new GgufBuilder().AddTensor("w", 0, [32], Row).Build();

        Assert.Single(GgufDirectory.Read(new MemoryStream(whole), "whole.gguf").Tensors);
        ExpectCorrupt(whole[..^1], "tensor 'w'", "truncated", $"byte {whole.Length}", $"byte {whole.Length - 1}");
    }

    [Theory]
    [InlineData(3u)]
    [InlineData(48u)]
    [InlineData(1u << 21)]
    [InlineData(0u)]
    public void Read_NamesTheKey_WhenTheAlignmentIsAbsurd(uint alignment) =>
        ExpectCorrupt(new GgufBuilder().AddUInt32("general.alignment", alignment), "'general.alignment'", $"{alignment}");

    [Fact]
    public void Read_HonoursTheAlignment_WhenTheFileNamesOne()
    {
        byte[] data = [.. Enumerable.Range(0, 128).Select(value => (byte)value)];
        byte[] file = new GgufBuilder { Alignment = 256 }
            .AddUInt32("general.alignment", 256).AddTensor("a", 0, [32], Row).AddTensor("b", 0, [32], data).Build();

        var tensor = GgufDirectory.Read(new MemoryStream(file), "aligned.gguf").Tensors[1];

        Assert.Equal(0, tensor.Offset % 256);
        Assert.Equal(data, file.AsSpan((int)tensor.Offset, (int)tensor.ByteLength).ToArray());
    }

    [Theory]
    [InlineData(ulong.MaxValue)]
    [InlineData(1ul << 40)]
    [InlineData(1000ul)]
    public void Read_Refuses_WhenACountIsMoreThanTheFileHolds(ulong count)
    {
        ExpectCorrupt(new GgufBuilder { KeyCount = count }.AddBool("x", true), $"{count} keys");
        ExpectCorrupt(new GgufBuilder { TensorCount = count }.AddTensor("w", 0, [32], Row), $"{count} tensors");
        ExpectCorrupt(new GgufBuilder().AddArray("numbers", 5, count, _ => { }), "key 'numbers'", $"{count} elements");
        ExpectCorrupt(new GgufBuilder().AddArray("texts", 8, count, _ => { }), "key 'texts'", $"{count} elements");
        ExpectCorrupt(new GgufBuilder().AddRaw("text", 8, writer => writer.Write(count)), "key 'text'", $"{count} characters");
    }

    [Fact]
    public void Read_Refuses_WhenArraysAreNestedTooDeep()
    {
        var builder = new GgufBuilder().AddRaw("deep", 9, writer =>
        {
            for (int depth = 0; depth < 10_000; depth++)
            {
                writer.Write(9u);
                writer.Write(1ul);
            }
        });

        ExpectCorrupt(builder, "key 'deep'", "nested");
    }

    [Fact]
    public void Read_NamesKeyAndByte_WhenAValueTypeIsUnknown() =>
        ExpectCorrupt(new GgufBuilder().AddRaw("odd", 13, writer => writer.Write(0ul)), "key 'odd'", "byte ", "value type 13");

    [Fact]
    public void Read_NamesTheKey_WhenABooleanIsNeither() =>
        ExpectCorrupt(new GgufBuilder().AddRaw("flag", 7, writer => writer.Write((byte)2)), "key 'flag'", "boolean");

    [Fact]
    public void Read_Refuses_WhenAKeyIsNotUtf8()
    {
        byte[] file = new GgufBuilder().AddBool("name", true).Build();
        file.AsSpan(file.AsSpan().IndexOf("name"u8))[0] = 0xFF;

        ExpectCorrupt(file, "UTF-8");
    }

    [Fact]
    public void Read_Refuses_WhenAKeyIsEmpty() => ExpectCorrupt(new GgufBuilder().AddString(string.Empty, "value"), "empty");

    [Fact]
    public void Read_Refuses_WhenAKeyIsLongerThanTheSpecificationAllows() => ExpectCorrupt(new GgufBuilder().AddBool(new string('k', 65536), true), "65535");

    [Theory]
    [InlineData(99u, "99")]
    [InlineData(31u, "Q4_0_4_4")]
    public void Read_IsUnsupported_WhenATensorTypeIsUnknownOrRemoved(uint type, string named)
    {
        var error = Assert.Throws<ModelException>(() => Read(new GgufBuilder().AddTensor("w", type, [32], Row).Build()));

        Assert.Equal(ModelFault.Unsupported, error.Fault);
        Assert.Contains("tensor 'w'", error.Message, StringComparison.Ordinal);
        Assert.Contains(named, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Read_GivesTheSameDirectory_ForVersion2()
    {
        var builder = GgufBuilder.TinyLlama();
        var third = Read(builder.Build());
        builder.Version = 2;
        var second = Read(builder.Build());

        Assert.Equal(third.Tensors.Select(tensor => (tensor.Name, tensor.Offset)), second.Tensors.Select(tensor => (tensor.Name, tensor.Offset)));
    }

    [Theory]
    [InlineData(1u, "version 1")]
    [InlineData(4u, "version 4")]
    [InlineData(0u, "version 0")]
    [InlineData(0x03000000u, "big-endian")]
    public void Read_IsUnsupported_WhenTheVersionIsAnother(uint version, string named)
    {
        var error = Assert.Throws<ModelException>(() => Read(new GgufBuilder { Version = version }.Build()));

        Assert.Equal(ModelFault.Unsupported, error.Fault);
        Assert.Contains(named, error.Message, StringComparison.Ordinal);
    }

    private static GgufDirectory Read(byte[] file) => GgufDirectory.Read(new MemoryStream(file), "bad.gguf");

    private static void ExpectCorrupt(GgufBuilder builder, params string[] named) => ExpectCorrupt(builder.Build(), named);

    private static void ExpectCorrupt(byte[] file, params string[] named)
    {
        var error = Assert.Throws<ModelException>(() => Read(file));

        Assert.Equal(ModelFault.Corrupt, error.Fault);
        Assert.All(named.Prepend("bad.gguf"), part => Assert.Contains(part, error.Message, StringComparison.Ordinal));
    }
}
