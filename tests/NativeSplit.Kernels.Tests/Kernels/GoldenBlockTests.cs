using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text.Json;
using NativeSplit.Kernels.Formats;
using NativeSplit.Kernels.Memory;
using NativeSplit.Testing;

namespace NativeSplit.Kernels.Tests.Kernels;

/// <summary>Widening against vectors that GGML's own quantiser and dequantiser made.</summary>
public sealed class GoldenBlockTests
{
    private const int Rows = 4;
    private const int Columns = 256;

    [Theory]
    [MemberData(nameof(KernelSetCases.NamesAndTypes), MemberType = typeof(KernelSetCases))]
    public void DequantizeRow_GivesGgmlsBits_ForEveryGoldenRow(string kernels, WeightType type)
    {
        KernelSet set = KernelSetCases.Get(kernels);
        foreach (string kind in (string[])["rows", "random"])
        {
            // F32 has no block file: its vector is the source of the quantised ones, stored as it is.
            string stem = type == WeightType.F32 ? "source" : $"{type}.{kind}";
            byte[] expected = File.ReadAllBytes(TestData.PathOf("golden", "blocks", $"{stem}.f32"));
            byte[] stored = type == WeightType.F32 ? expected : File.ReadAllBytes(TestData.PathOf("golden", "blocks", $"{stem}.bin"));
            using var region = NativeMemoryRegion.Allocate(stored.Length);
            stored.CopyTo(region.BorrowWritable(0, stored.Length));
            var matrix = new WeightMatrix(region, 0, type, Rows, Columns);
            Assert.Equal(stored.Length, matrix.ByteLength);

            float[] actual = new float[Columns];
            for (int row = 0; row < Rows; row++)
            {
                set.DequantizeRow(matrix, row, actual);
                ReadOnlySpan<int> expectedBits = MemoryMarshal.Cast<byte, int>(expected.AsSpan(row * Columns * 4, Columns * 4));
                ReadOnlySpan<int> actualBits = MemoryMarshal.Cast<float, int>(actual);
                int common = expectedBits.CommonPrefixLength(actualBits);
                Assert.True(
                    common == Columns,
                    $"{stem} row {row} column {common}: expected {ToFloat(expectedBits, common)}, got {ToFloat(actualBits, common)}");
            }
        }
    }

    [Fact]
    public void GoldenBlocks_AreThoseOfTheManifest_ForEverySupportedType()
    {
        using var manifest = JsonDocument.Parse(File.ReadAllText(TestData.PathOf("golden", "manifest.json")));
        HashSet<string> seen = [];
        foreach (JsonElement block in manifest.RootElement.GetProperty("blocks").EnumerateArray())
        {
            if (!Enum.TryParse(block.GetProperty("type").GetString(), out WeightType type))
            {
                continue;
            }

            seen.Add(type.ToString());
            Assert.Equal((int)type, block.GetProperty("id").GetInt32());
            Assert.Equal(BlockFormat.Of(type).BlockLength, block.GetProperty("block_size").GetInt32());
            Assert.Equal(BlockFormat.Of(type).BlockBytes, block.GetProperty("block_bytes").GetInt32());
            foreach (JsonElement vector in block.GetProperty("vectors").EnumerateArray())
            {
                byte[] stored = File.ReadAllBytes(TestData.PathOf("golden", vector.GetProperty("raw").GetString()!));
                Assert.Equal(vector.GetProperty("sha256_raw").GetString(), Convert.ToHexStringLower(SHA256.HashData(stored)));
            }
        }

        Assert.Superset(BlockFormat.Supported.Where(type => type != WeightType.F32).Select(type => type.ToString()).ToHashSet(), seen);
    }

    private static float ToFloat(ReadOnlySpan<int> bits, int index) =>
        index < bits.Length ? BitConverter.Int32BitsToSingle(bits[index]) : float.NaN;
}
