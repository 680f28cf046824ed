using System.Collections.Frozen;

namespace NativeSplit.Kernels.Formats;

/// <summary>How the weights of one type lie in memory.</summary>
/// <param name="Type">The type.</param>
/// <param name="BlockLength">Weights per block.</param>
/// <param name="BlockBytes">Bytes per block.</param>
public readonly record struct BlockFormat(WeightType Type, int BlockLength, int BlockBytes)
{
    private static readonly FrozenDictionary<WeightType, BlockFormat> Table = new BlockFormat[]
    {
        new(WeightType.F32, 1, 4),
        new(WeightType.F16, 1, 2),
        new(WeightType.BF16, 1, 2),
        new(WeightType.Q4_0, 32, 18),
        new(WeightType.Q4_1, 32, 20),
        new(WeightType.Q5_0, 32, 22),
        new(WeightType.Q5_1, 32, 24),
        new(WeightType.Q8_0, 32, 34),
        new(WeightType.Q2_K, 256, 84),
        new(WeightType.Q3_K, 256, 110),
        new(WeightType.Q4_K, 256, 144),
        new(WeightType.Q5_K, 256, 176),
        new(WeightType.Q6_K, 256, 210),
        new(WeightType.IQ4_NL, 32, 18),
        new(WeightType.IQ4_XS, 256, 136),
    }.ToFrozenDictionary(format => format.Type);

    /// <summary>Every type the kernels can multiply with, in ascending GGML number.</summary>
    public static IReadOnlyList<WeightType> Supported { get; } = [.. Table.Keys.Order()];

    /// <summary>Finds the format of a type.</summary>
    /// <param name="type">The type.</param>
    /// <param name="format">The format when the result is true.</param>
    /// <returns>False when the kernels don't know the type.</returns>
    public static bool TryGet(WeightType type, out BlockFormat format) => Table.TryGetValue(type, out format);

    /// <summary>The format of a type.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The kernels don't know the type.</exception>
    public static BlockFormat Of(WeightType type) => Table.TryGetValue(type, out var format)
        ? format
        : throw new ArgumentOutOfRangeException(nameof(type), type, $"No kernel for weight type {type}; supported are {string.Join(", ", Supported)}.");

    /// <summary>Bytes of one row.</summary>
    /// <param name="columns">Weights in the row; a multiple of <see cref="BlockLength"/>.</param>
    /// <exception cref="ArgumentException"><paramref name="columns"/> isn't a positive multiple of <see cref="BlockLength"/>.</exception>
    public long RowBytes(int columns)
    {
        if (columns <= 0 || columns % BlockLength != 0)
        {
            throw new ArgumentException($"A row of {columns} weights can't be stored as {Type}: its blocks hold {BlockLength}.", nameof(columns));
        }

        return (long)(columns / BlockLength) * BlockBytes;
    }
}
