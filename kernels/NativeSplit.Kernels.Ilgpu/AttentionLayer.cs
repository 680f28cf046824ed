using NativeSplit.Kernels.Ilgpu.Portable;

namespace NativeSplit.Kernels.Ilgpu;

/// <summary>What attention needs of one layer besides its matrices. Arrays are lent.</summary>
public sealed class AttentionLayer
{
    /// <summary>Query heads.</summary>
    public required int HeadCount { get; init; }

    /// <summary>Key and value heads; divides <see cref="HeadCount"/>.</summary>
    public required int KeyValueHeadCount { get; init; }

    /// <summary>Elements of a head, at most <see cref="DeviceKernels.MaxHeadSize"/>.</summary>
    public required int HeadSize { get; init; }

    /// <summary>Rotated pairs of a head.</summary>
    public required int Pairs { get; init; }

    /// <summary>True when pairs are (2i, 2i + 1), false when they are (i, i + pairs).</summary>
    public required bool Interleaved { get; init; }

    /// <summary>Epsilon of the norms per head.</summary>
    public required float NormEpsilon { get; init; }

    /// <summary>Gain of the norm of each query head, or null. Shape [headSize].</summary>
    public DeviceArray<float>? QueryNorm { get; init; }

    /// <summary>Gain of the norm of each key head, or null. Shape [headSize].</summary>
    public DeviceArray<float>? KeyNorm { get; init; }

    /// <summary>Shape [positions, pairs].</summary>
    public required DeviceArray<float> Cosines { get; init; }

    /// <summary>Shape [positions, pairs].</summary>
    public required DeviceArray<float> Sines { get; init; }

    /// <summary>Keys and values. Shape [pages, 2 (keys, values), kvHeads, 32, headSize], the layout of a page on the processor.</summary>
    public required DeviceArray<float> Cache { get; init; }

    internal HeadsShape Shape(int tableStart, int rows) => new()
    {
        Heads = HeadCount,
        KeyValueHeads = KeyValueHeadCount,
        HeadSize = HeadSize,
        Pairs = Pairs,
        Interleaved = Interleaved ? 1 : 0,
        HasQueryNorm = QueryNorm is null ? 0 : 1,
        HasKeyNorm = KeyNorm is null ? 0 : 1,
        Rows = rows,
        TableStart = tableStart,
        Epsilon = NormEpsilon,
        Scale = (float)(1.0 / Math.Sqrt(HeadSize)),
    };
}
