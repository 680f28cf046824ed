using System.Globalization;
using NativeSplit.Kernels;
using NativeSplit.Kernels.Memory;
using NativeSplit.Model.Files;
using NativeSplit.Model.Files.Gguf;
using NativeSplit.Model.Tests.Files;
using NativeSplit.Model.Weights;
using NativeSplit.Testing;

namespace NativeSplit.Model.Tests.Weights;

[Collection(nameof(MappedMemoryCollection))]
public sealed class WeightMappingTests
{
    public static TheoryData<string, int, int, bool, bool> Selections => new()
    {
        { "llama-plain-f32", 1, 2, false, false },
        { "llama-plain-f32", 1, 3, false, false },
        { "llama-plain-f32", 0, 0, true, false },
        { "llama-plain-f32", 0, 0, false, true },
        { "llama-untied-f16", 3, 4, false, true },
        { "llama256-q4_k", 0, 1, false, false },
        { "qwen2-256-q4_k_m", 2, 3, false, false },
        { "qwen3-f32", 0, 4, true, true },
        { "mixtral-f32", 1, 2, false, false },
        { "phi3-f32", 2, 4, true, false },
        { "gpt2-f32", 0, 1, true, true },
    };

    [Theory]
    [MemberData(nameof(Selections))]
    public void Load_MapsTheChosenTensorsAndNoByteOfAnother(string name, int start, int end, bool embedding, bool head)
    {
        string path = GoldenShape.PathOf(name);
        var selection = new WeightSelection(new(start, end), embedding, head);
        var table = GgufDirectory.Read(path).Tensors;
        using var model = ModelFile.Open(path);
        using var weights = model.Load(selection);

        Assert.NotEmpty(weights.Extents);
        foreach (var tensor in table)
        {
            long mapped = weights.Extents.Sum(extent => Overlap(extent, tensor.Offset, tensor.Offset + tensor.ByteLength));
            Assert.True(mapped == 0 || (mapped == tensor.ByteLength && IsChosen(model, selection, tensor.Name)), $"{mapped} bytes of {tensor.Name} are mapped");
            Assert.True(mapped > 0 || tensor.Shape.Count == 1 || !IsChosen(model, selection, tensor.Name), $"{tensor.Name} isn't mapped");
        }

        Assert.Equal(weights.Extents.Sum(extent => extent.Length), weights.ByteLength);
        Assert.Equal(weights.ByteLength, MemoryAccounting.MappedBytes);
    }

    [Fact]
    public void Load_MapsALayerAtOnce_WhenItsTensorsAreNeighbours()
    {
        using var model = ModelFile.Open(GoldenShape.PathOf("llama-plain-f32"));
        using var weights = model.Load(WeightSelection.LayersOnly(new(1, 3)));

        Assert.Equal([model.BytesOfLayer(1), model.BytesOfLayer(2)], weights.Extents.Select(extent => extent.Length));
    }

    [Fact]
    public void Release_UnmapsAStretch_WithItsLastMatrix()
    {
        using var model = ModelFile.Open(GoldenShape.PathOf("llama-plain-f32"));
        using var weights = model.Load(WeightSelection.LayersOnly(new(1, 3)));
        var first = weights.Layers[0];
        foreach (var matrix in (WeightMatrix[])[first.Query, first.Query, first.Key, first.Value, first.AttentionOutput, first.Gate!, first.Up!])
        {
            weights.Release(matrix);
            Assert.Equal(weights.ByteLength, MemoryAccounting.MappedBytes);
        }

        weights.Release(first.Down!);
        Assert.Equal(model.BytesOfLayer(2), MemoryAccounting.MappedBytes);
        Assert.Throws<ObjectDisposedException>(() => first.Query.BorrowRow(0).Length);
        Assert.NotEqual(0, weights.Layers[1].Query.BorrowRow(0).Length);
        weights.Dispose();
        Assert.Equal(0, MemoryAccounting.MappedBytes);
    }

    [Fact]
    public void Load_LeavesNoOtherLayerInTheAddressSpace()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "skipped: /proc is Linux's");
        using var folder = new TemporaryFolder();
        string path = folder.Write("mapped.gguf", File.ReadAllBytes(GoldenShape.PathOf("llama-plain-f32")));
        using (var model = ModelFile.Open(path))
        {
            Assert.Empty(MappingsOf(path));
            using var weights = model.Load(WeightSelection.LayersOnly(new(2, 3)));

            var extent = Assert.Single(weights.Extents);
            long page = Environment.SystemPageSize;
            var (offset, length) = Assert.Single(MappingsOf(path));
            Assert.Equal(extent.Offset / page * page, offset);
            Assert.Equal((extent.Offset + extent.Length + page - 1) / page * page, offset + length);
        }

        Assert.Empty(MappingsOf(path));
    }

    [Fact]
    public void Dispose_UnmapsEverything_AlsoWhenCalledTwice()
    {
        using var model = ModelFile.Open(GoldenShape.PathOf("llama-plain-f32"));
        var weights = model.Load(WeightSelection.Everything(model.Shape));
        Assert.True(MemoryAccounting.MappedBytes > 0);

        weights.Dispose();
        weights.Dispose();

        Assert.Equal(0, MemoryAccounting.MappedBytes);
        Assert.Throws<ObjectDisposedException>(() => weights.TokenEmbedding!.BorrowRow(0).Length);
    }

    private static bool IsChosen(ModelFile model, WeightSelection selection, string name)
    {
        var info = model.Tensors.Single(tensor => tensor.Name == name);
        bool tied = model.Tensors.All(tensor => tensor.Name != "output.weight");
        return info.Layer is { } layer ? selection.Layers.Contains(layer) : name switch
        {
            "token_embd.weight" => selection.Embedding || (selection.Head && tied),
            "output.weight" or "output_norm.weight" or "output_norm.bias" => selection.Head,
            "position_embd.weight" => selection.Embedding,
            _ => false,
        };
    }

    private static long Overlap(WeightExtent extent, long start, long end) =>
        Math.Max(0, Math.Min(end, extent.Offset + extent.Length) - Math.Max(start, extent.Offset));

    // Lines of /proc/self/maps: start-end permissions offset device inode path, numbers in hex.
    private static List<(long Offset, long Length)> MappingsOf(string path)
    {
        var found = new List<(long, long)>();
        foreach (string line in File.ReadLines("/proc/self/maps").Where(line => line.EndsWith(path, StringComparison.Ordinal)))
        {
            string[] parts = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
            long[] ends = [.. parts[0].Split('-').Select(Hex)];
            found.Add((Hex(parts[2]), ends[1] - ends[0]));
        }

        return found;

        static long Hex(string digits) => long.Parse(digits, NumberStyles.HexNumber, CultureInfo.InvariantCulture);
    }
}
