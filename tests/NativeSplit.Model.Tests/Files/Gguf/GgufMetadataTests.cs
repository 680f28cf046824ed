using NativeSplit.Model.Files.Gguf;
using NativeSplit.Testing;

namespace NativeSplit.Model.Tests.Files.Gguf;

public sealed class GgufMetadataTests
{
    [Fact]
    public void TryGetInteger_GivesTheValue_ForEveryIntegerType()
    {
        var metadata = Read(new GgufBuilder()
            .AddUInt8("u8", 255)
            .AddInt8("i8", -128)
            .AddUInt16("u16", 65535)
            .AddInt16("i16", -32768)
            .AddUInt32("u32", uint.MaxValue)
            .AddInt32("i32", int.MinValue)
            .AddUInt64("u64", long.MaxValue)
            .AddInt64("i64", long.MinValue));

        Assert.Equal(
            [255, -128, 65535, -32768, uint.MaxValue, int.MinValue, long.MaxValue, long.MinValue],
            new[] { "u8", "i8", "u16", "i16", "u32", "i32", "u64", "i64" }.Select(key => Integer(metadata, key)));
    }

    [Fact]
    public void TryGet_GivesTheValue_ForFloatsBooleansAndStrings()
    {
        var metadata = Read(new GgufBuilder()
            .AddFloat32("f32", 0.1f)
            .AddFloat64("f64", 0.1)
            .AddBool("yes", true)
            .AddBool("no", false)
            .AddString("text", "Straße 🚦")
            .AddString("empty", string.Empty));

        Assert.True(metadata.TryGetNumber("f32", out double single) && single == 0.1f);
        Assert.True(metadata.TryGetNumber("f64", out double number) && number == 0.1);
        Assert.True(metadata.TryGetBoolean("yes", out bool yes) && yes);
        Assert.True(metadata.TryGetBoolean("no", out bool no) && !no);
        Assert.True(metadata.TryGetString("text", out string text));
        Assert.Equal("Straße 🚦", text);
        Assert.True(metadata.TryGetString("empty", out string empty));
        Assert.Empty(empty);
    }

    [Theory]
    [InlineData(0u, 1)]
    [InlineData(1u, 1)]
    [InlineData(2u, 2)]
    [InlineData(3u, 2)]
    [InlineData(4u, 4)]
    [InlineData(5u, 4)]
    [InlineData(10u, 8)]
    [InlineData(11u, 8)]
    public void TryGetIntegers_GivesTheValues_ForEveryElementType(uint type, int bytes)
    {
        var metadata = Read(new GgufBuilder().AddArray("array", type, 3, writer =>
        {
            foreach (byte value in new byte[] { 1, 2, 100 })
            {
                writer.Write(value);
                writer.Write(new byte[bytes - 1]);
            }
        }));

        Assert.True(metadata.TryGetIntegers("array", out var values));
        Assert.Equal([1, 2, 100], values);
    }

    [Fact]
    public void TryGetNumbers_GivesTheValues_ForBothElementTypes()
    {
        var metadata = Read(new GgufBuilder()
            .AddArray("f32", 6, 2, writer => { writer.Write(1.5f); writer.Write(float.NegativeInfinity); })
            .AddArray("f64", 12, 1, writer => writer.Write(0.25)));

        Assert.True(metadata.TryGetNumbers("f32", out var singles));
        Assert.Equal([1.5f, float.NegativeInfinity], singles);
        Assert.True(metadata.TryGetNumbers("f64", out var doubles));
        Assert.Equal([0.25f], doubles);
    }

    [Fact]
    public void TryGetStrings_GivesTheValues_WhenOneIsLongerThanTheBuffer()
    {
        string longText = new('é', 100_000);
        var metadata = Read(new GgufBuilder().AddStrings("strings", "a", longText, string.Empty));

        Assert.True(metadata.TryGetStrings("strings", out var values));
        Assert.Equal(["a", longText, string.Empty], values);
    }

    [Fact]
    public void TryGetString_GivesReplacementCharacters_WhereTheTextIsNotUtf8()
    {
        var metadata = Read(new GgufBuilder().AddRaw("text", 8, writer =>
        {
            writer.Write(5ul);
            writer.Write([(byte)'a', 0xFF, 0xC3, 0xA9, 0xC3]);
        }));

        Assert.True(metadata.TryGetString("text", out string text));
        Assert.Equal("a\uFFFDé\uFFFD", text);
    }

    [Fact]
    public void TryGet_GivesNestedArrays()
    {
        var metadata = Read(new GgufBuilder().AddArray("outer", 9, 2, writer =>
        {
            writer.Write(4u);
            writer.Write(1ul);
            writer.Write(7u);
            writer.Write(8u);
            writer.Write(1ul);
            GgufBuilder.WriteString(writer, "inner");
        }));

        Assert.True(metadata.TryGet("outer", out var outer));
        var inner = Assert.IsType<GgufValue[]>(outer.Content);
        Assert.Equal([7L], Assert.IsType<long[]>(inner[0].Content));
        Assert.Equal(["inner"], Assert.IsType<string[]>(inner[1].Content));
    }

    [Fact]
    public void TryGet_IsFalse_WhenTheKeyIsAbsent()
    {
        var metadata = Read(new GgufBuilder());

        Assert.False(metadata.TryGetString("x", out _));
        Assert.False(metadata.TryGetInteger("x", out _));
        Assert.False(metadata.TryGetNumber("x", out _));
        Assert.False(metadata.TryGetBoolean("x", out _));
        Assert.False(metadata.TryGetStrings("x", out _));
        Assert.False(metadata.TryGetNumbers("x", out _));
        Assert.False(metadata.TryGetIntegers("x", out _));
    }

    [Fact]
    public void TryGet_ThrowsNamingTheKey_WhenTheTypeIsAnother()
    {
        var metadata = Read(new GgufBuilder().AddBool("flag", true).AddString("text", "1").AddUInt64("huge", ulong.MaxValue));

        foreach (Action wrong in new Action[]
        {
            () => metadata.TryGetString("flag", out _),
            () => metadata.TryGetInteger("flag", out _),
            () => metadata.TryGetNumber("flag", out _),
            () => metadata.TryGetStrings("flag", out _),
            () => metadata.TryGetNumbers("flag", out _),
            () => metadata.TryGetIntegers("flag", out _),
        })
        {
            Assert.Contains("'flag' is Bool", Assert.Throws<ModelException>(wrong).Message, StringComparison.Ordinal);
        }

        Assert.Contains("'text'", Assert.Throws<ModelException>(() => metadata.TryGetBoolean("text", out _)).Message, StringComparison.Ordinal);
        Assert.Contains("'huge'", Assert.Throws<ModelException>(() => metadata.TryGetInteger("huge", out _)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void TryGetIntegers_Throws_WhenAnElementIsTooWide()
    {
        var metadata = Read(new GgufBuilder().AddArray("wide", 10, 1, writer => writer.Write(1ul << 31)));

        Assert.Contains("'wide'", Assert.Throws<ModelException>(() => metadata.TryGetIntegers("wide", out _)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Read_GivesTheVocabulary_OfAGoldenModel()
    {
        var metadata = GgufDirectory.Read(TestData.PathOf("golden", "models", "llama-plain-f32.gguf")).Metadata;

        Assert.True(metadata.TryGetStrings("tokenizer.ggml.tokens", out var tokens));
        Assert.True(metadata.TryGetNumbers("tokenizer.ggml.scores", out var scores));
        Assert.True(metadata.TryGetIntegers("tokenizer.ggml.token_type", out var types));
        Assert.Equal((384, 384, 384), (tokens.Count, scores.Count, types.Count));
        Assert.Equal(["<unk>", "<s>", "</s>", "<0x00>"], tokens.Take(4));
        Assert.Equal([2, 3, 3, 6], types.Take(4));
    }

    private static GgufMetadata Read(GgufBuilder builder) => GgufDirectory.Read(new MemoryStream(builder.Build()), "test.gguf").Metadata;

    private static long Integer(GgufMetadata metadata, string key) => metadata.TryGetInteger(key, out long value) ? value : throw new KeyNotFoundException(key);
}
