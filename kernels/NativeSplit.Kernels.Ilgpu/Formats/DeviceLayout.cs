using System.Buffers.Binary;
using NativeSplit.Kernels.Formats;

namespace NativeSplit.Kernels.Ilgpu.Formats;

/// <summary>How stored rows are taken apart into words of quants and words of scales; the counterpart of the device's formats.</summary>
/// <param name="Type">The type.</param>
/// <param name="QuantsOffset">Byte of a block where its quants start.</param>
/// <param name="QuantBytes">Bytes of quants in a block; a multiple of 4, or a whole unit for types without blocks.</param>
/// <param name="ScaleBytes">Bytes of a block that go to the scales.</param>
/// <param name="SharesWords">True when the scales of two blocks share a word.</param>
internal sealed record DeviceLayout(WeightType Type, int QuantsOffset, int QuantBytes, int ScaleBytes, bool SharesWords)
{
    private static readonly DeviceLayout[] All =
    [
        new(WeightType.F32, 0, 4, 0, SharesWords: false),
        new(WeightType.F16, 0, 2, 0, SharesWords: false),
        new(WeightType.BF16, 0, 2, 0, SharesWords: false),
        new(WeightType.Q4_0, 2, 16, 2, SharesWords: true),
        new(WeightType.Q8_0, 2, 32, 2, SharesWords: true),
        new(WeightType.Q4_K, 16, 128, 16, SharesWords: false),
        new(WeightType.Q6_K, 0, 192, 18, SharesWords: false),
    ];

    /// <summary>Types that devices can multiply with.</summary>
    public static IReadOnlyList<WeightType> Supported { get; } = [.. All.Select(layout => layout.Type)];

    /// <summary>Layout of a matrix.</summary>
    /// <exception cref="DeviceException">No kernel for the type, or a shape that the kernels can't take.</exception>
    public static DeviceLayout Of(WeightMatrix matrix)
    {
        DeviceLayout? layout = Array.Find(All, layout => layout.Type == matrix.Format.Type) ?? throw new DeviceException(
            DeviceFault.UnsupportedType,
            $"Weights of type {matrix.Format.Type} have no device kernel; supported are {string.Join(", ", Supported)}. Convert the model to one of these, or run these layers on the processor.");
        if (matrix.Columns % KernelLayout.UnitWeights != 0)
        {
            throw new DeviceException(
                DeviceFault.UnsupportedShape,
                $"A matrix [{matrix.Rows}, {matrix.Columns}] can't lie on a device: its rows must be a multiple of {KernelLayout.UnitWeights} weights. Run these layers on the processor.");
        }

        if ((long)layout.QuantWords(matrix.Columns) * matrix.Rows > int.MaxValue)
        {
            throw new DeviceException(
                DeviceFault.UnsupportedShape, $"A matrix [{matrix.Rows}, {matrix.Columns}] of {matrix.Format.Type} is too large for the device kernels. Run these layers on the processor.");
        }

        return layout;
    }

    /// <summary>Words of quants in a row.</summary>
    public int QuantWords(int columns) => Blocks(columns) * QuantBytes / sizeof(int);

    /// <summary>Words of scales in a row.</summary>
    public int ScaleWords(int columns) => SharesWords ? (Blocks(columns) + 1) / 2 : Blocks(columns) * WordsOfScales;

    private int WordsOfScales => (ScaleBytes + sizeof(int) - 1) / sizeof(int);

    /// <summary>Takes a stored row apart.</summary>
    /// <param name="row">The row, as stored.</param>
    /// <param name="columns">Weights in the row.</param>
    /// <param name="quants">Shape [<see cref="QuantWords"/>].</param>
    /// <param name="scales">Shape [<see cref="ScaleWords"/>].</param>
    public void Split(ReadOnlySpan<byte> row, int columns, Span<int> quants, Span<int> scales)
    {
        if (ScaleBytes == 0)
        {
            ReadWords(row, quants);
            return;
        }

        int bytes = BlockFormat.Of(Type).BlockBytes;
        int words = QuantBytes / sizeof(int);
        scales.Clear();
        for (int block = 0; block < Blocks(columns); block++)
        {
            ReadOnlySpan<byte> stored = row.Slice(block * bytes, bytes);
            ReadWords(stored.Slice(QuantsOffset, QuantBytes), quants.Slice(block * words, words));

            // Scales lie before the quants, or after them when the quants come first.
            ReadOnlySpan<byte> scale = stored.Slice(QuantsOffset == 0 ? QuantBytes : 0, ScaleBytes);
            if (SharesWords)
            {
                scales[block / 2] |= BinaryPrimitives.ReadUInt16LittleEndian(scale) << (16 * (block % 2));
                continue;
            }

            for (int i = 0; i < ScaleBytes; i++)
            {
                scales[(block * WordsOfScales) + (i / sizeof(int))] |= scale[i] << (8 * (i % sizeof(int)));
            }
        }
    }

    private int Blocks(int columns) => columns / BlockFormat.Of(Type).BlockLength;

    private static void ReadWords(ReadOnlySpan<byte> bytes, Span<int> words)
    {
        for (int i = 0; i < words.Length; i++)
        {
            words[i] = BinaryPrimitives.ReadInt32LittleEndian(bytes[(sizeof(int) * i)..]);
        }
    }
}
