using System.Collections.Frozen;

namespace NativeSplit.Model.Files.Gguf;

/// <summary>One element type of GGML, by its number in the file (<c>enum ggml_type</c>).</summary>
/// <param name="Number">Number in the tensor table.</param>
/// <param name="Name">Name as GGML spells it.</param>
/// <param name="BlockLength">Weights per block.</param>
/// <param name="BlockBytes">Bytes per block.</param>
/// <remarks>
/// The table is complete, so that every file can be listed; whether a type can be computed with is the question of
/// <see cref="NativeSplit.Kernels.Formats.BlockFormat.TryGet"/>.
/// </remarks>
internal readonly record struct GgmlType(uint Number, string Name, int BlockLength, int BlockBytes)
{
    private static readonly FrozenDictionary<uint, GgmlType> Table = new GgmlType[]
    {
        new(0, "F32", 1, 4),
        new(1, "F16", 1, 2),
        new(2, "Q4_0", 32, 18),
        new(3, "Q4_1", 32, 20),
        new(6, "Q5_0", 32, 22),
        new(7, "Q5_1", 32, 24),
        new(8, "Q8_0", 32, 34),
        new(9, "Q8_1", 32, 36),
        new(10, "Q2_K", 256, 84),
        new(11, "Q3_K", 256, 110),
        new(12, "Q4_K", 256, 144),
        new(13, "Q5_K", 256, 176),
        new(14, "Q6_K", 256, 210),
        new(15, "Q8_K", 256, 292),
        new(16, "IQ2_XXS", 256, 66),
        new(17, "IQ2_XS", 256, 74),
        new(18, "IQ3_XXS", 256, 98),
        new(19, "IQ1_S", 256, 50),
        new(20, "IQ4_NL", 32, 18),
        new(21, "IQ3_S", 256, 110),
        new(22, "IQ2_S", 256, 82),
        new(23, "IQ4_XS", 256, 136),
        new(24, "I8", 1, 1),
        new(25, "I16", 1, 2),
        new(26, "I32", 1, 4),
        new(27, "I64", 1, 8),
        new(28, "F64", 1, 8),
        new(29, "IQ1_M", 256, 56),
        new(30, "BF16", 1, 2),
        new(34, "TQ1_0", 256, 54),
        new(35, "TQ2_0", 256, 66),
        new(39, "MXFP4", 32, 17),
        new(40, "NVFP4", 64, 36),
        new(41, "Q1_0", 128, 18),
        new(42, "Q2_0", 64, 18),
    }.ToFrozenDictionary(type => type.Number);

    // Numbers that GGML gave up; a file with one was made by an old tool and has to be quantised again.
    private static readonly FrozenDictionary<uint, string> Removed = new Dictionary<uint, string>
    {
        [4] = "Q4_2",
        [5] = "Q4_3",
        [31] = "Q4_0_4_4",
        [32] = "Q4_0_4_8",
        [33] = "Q4_0_8_8",
        [36] = "IQ4_NL_4_4",
        [37] = "IQ4_NL_4_8",
        [38] = "IQ4_NL_8_8",
    }.ToFrozenDictionary();

    /// <summary>Every type, in ascending number.</summary>
    public static IReadOnlyList<GgmlType> All { get; } = [.. Table.Values.OrderBy(type => type.Number)];

    /// <summary>Finds a type by its number.</summary>
    /// <returns>False when the number has no type, or none any more.</returns>
    public static bool TryGet(uint number, out GgmlType type) => Table.TryGetValue(number, out type);

    /// <summary>Says what is wrong with a number that <see cref="TryGet"/> doesn't know, and how to mend it.</summary>
    public static string Explain(uint number) => Removed.TryGetValue(number, out string? name)
        ? $"has type {number} ({name}), which GGML removed; quantise the model again with a current tool"
        : $"has GGML type {number}, which isn't known here; the file was made by a newer tool or is damaged";
}
