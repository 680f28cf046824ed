using System.Runtime.InteropServices;
using System.Text;

namespace NativeSplit.Benchmarks;

/// <summary>Writes an ONNX model of one MatMulNBits node: the few protobuf messages of onnx.proto that it takes.</summary>
/// <remarks>Field numbers are those of onnx.proto; the operator is <c>com.microsoft.MatMulNBits</c> of ONNX Runtime's contrib operators.</remarks>
internal static class OnnxGraph
{
    public const string Input = "x";
    public const string Output = "y";
    public const int BlockSize = 32;

    private const int ElementFloat = 1;
    private const int ElementByte = 2;
    private const int AttributeInt = 2;

    /// <summary><c>y[inputs, rows] = x[inputs, columns] · Wᵀ</c> with W in 4-bit blocks of 32 and float32 scales; the zero point is 8.</summary>
    /// <param name="inputs">Rows of x.</param>
    /// <param name="rows">Rows of W.</param>
    /// <param name="columns">Columns of W; a multiple of 32.</param>
    /// <param name="accuracyLevel">0: float32 arithmetic. 4: inputs rounded to 8 bits, integer arithmetic.</param>
    /// <param name="quants">Two weights a byte, low nibble first. Shape [rows, columns / 2].</param>
    /// <param name="scales">Shape [rows, columns / 32].</param>
    public static byte[] MatMul4Bits(int inputs, int rows, int columns, int accuracyLevel, ReadOnlySpan<byte> quants, ReadOnlySpan<float> scales)
    {
        using Message node = new();
        node.Add(1, Input).Add(1, "w").Add(1, "s").Add(2, Output).Add(4, "MatMulNBits").Add(7, "com.microsoft");
        ReadOnlySpan<(string Name, int Value)> attributes = [("K", columns), ("N", rows), ("bits", 4), ("block_size", BlockSize), ("accuracy_level", accuracyLevel)];
        foreach ((string name, int value) in attributes)
        {
            using Message attribute = new();
            node.Add(5, attribute.Add(1, name).Add(3, value).Add(20, AttributeInt));
        }

        using Message weights = Tensor("w", ElementByte, quants, rows, columns / BlockSize, BlockSize / 2);
        using Message blockScales = Tensor("s", ElementFloat, MemoryMarshal.AsBytes(scales), rows * (columns / BlockSize));
        using Message x = Value(Input, inputs, columns);
        using Message y = Value(Output, inputs, rows);
        using Message graph = new();
        graph.Add(1, node).Add(2, "matmul").Add(5, weights).Add(5, blockScales).Add(11, x).Add(12, y);

        using Message standard = new();
        using Message contrib = new();
        using Message model = new();
        return model.Add(1, 10).Add(7, graph).Add(8, standard.Add(1, "").Add(2, 21)).Add(8, contrib.Add(1, "com.microsoft").Add(2, 1)).ToArray();
    }

    private static Message Tensor(string name, int elementType, ReadOnlySpan<byte> data, params ReadOnlySpan<int> extents)
    {
        var tensor = new Message();
        foreach (int extent in extents)
        {
            tensor.Add(1, extent);
        }

        return tensor.Add(2, elementType).Add(8, name).Add(9, data);
    }

    private static Message Value(string name, params ReadOnlySpan<int> extents)
    {
        using Message shape = new();
        foreach (int extent in extents)
        {
            using Message dimension = new();
            shape.Add(1, dimension.Add(1, extent));
        }

        using Message tensorType = new();
        using Message type = new();
        return new Message().Add(1, name).Add(2, type.Add(1, tensorType.Add(1, ElementFloat).Add(2, shape)));
    }

    /// <summary>One protobuf message being written.</summary>
    private sealed class Message : IDisposable
    {
        private readonly MemoryStream _bytes = new();

        public Message Add(int field, long value)
        {
            WriteVarint(((ulong)field << 3) | 0);
            WriteVarint((ulong)value);
            return this;
        }

        public Message Add(int field, string value) => Add(field, Encoding.UTF8.GetBytes(value));

        public Message Add(int field, Message value) => Add(field, value._bytes.GetBuffer().AsSpan(0, (int)value._bytes.Length));

        public Message Add(int field, ReadOnlySpan<byte> value)
        {
            WriteVarint(((ulong)field << 3) | 2);
            WriteVarint((ulong)value.Length);
            _bytes.Write(value);
            return this;
        }

        public byte[] ToArray() => _bytes.ToArray();

        public void Dispose() => _bytes.Dispose();

        private void WriteVarint(ulong value)
        {
            for (; value >= 0x80; value >>= 7)
            {
                _bytes.WriteByte((byte)(value | 0x80));
            }

            _bytes.WriteByte((byte)value);
        }
    }
}
