using BenchmarkDotNet.Attributes;
using Microsoft.ML.OnnxRuntime;

namespace NativeSplit.Benchmarks;

/// <summary>The baseline: ONNX Runtime's MatMulNBits on the same matrix with 4-bit weights, one thread.</summary>
public class OnnxMultiplyBenchmarks : IKernelWork
{
    // Packed nibbles and a float32 scale for each block of 32.
    private const long MatrixBytes = (long)MatrixShape.Rows * MatrixShape.Columns / OnnxGraph.BlockSize * ((OnnxGraph.BlockSize / 2) + sizeof(float));

    private InferenceSession[] _copies = [];
    private RunOptions _options = null!;
    private OrtValue[] _x = [];
    private OrtValue[] _y = [];
    private int _next;

    /// <summary>0: float32 arithmetic, as our exact kernels. 4: inputs rounded to 8 bits, as llama.cpp does.</summary>
    [Params(0, 4)]
    public int Accuracy { get; set; }

    [Params(1, 8, 64)]
    public int Inputs { get; set; }

    double IKernelWork.BytesPerCall => MatrixBytes + (4.0 * Inputs * (MatrixShape.Rows + MatrixShape.Columns));

    double IKernelWork.OperationsPerCall => 2.0 * Inputs * MatrixShape.Rows * MatrixShape.Columns;

    [GlobalSetup]
    public void Setup()
    {
        byte[] quants = new byte[MatrixShape.Rows * MatrixShape.Columns / 2];
        new Random(1).NextBytes(quants);
        float[] scales = new float[MatrixShape.Rows * MatrixShape.Columns / OnnxGraph.BlockSize];
        Array.Fill(scales, 0.004f);
        byte[] model = OnnxGraph.MatMul4Bits(Inputs, MatrixShape.Rows, MatrixShape.Columns, Accuracy, quants, scales);

        using SessionOptions options = new() { IntraOpNumThreads = 1, InterOpNumThreads = 1 };
        _copies = [.. Enumerable.Range(0, MatrixShape.CopiesOf(MatrixBytes)).Select(_ => new InferenceSession(model, options))];
        _options = new RunOptions();
        _x = [OrtValue.CreateTensorValueFromMemory(MatrixShape.Inputs(Inputs * MatrixShape.Columns), [Inputs, MatrixShape.Columns])];
        _y = [OrtValue.CreateTensorValueFromMemory(new float[Inputs * MatrixShape.Rows], [Inputs, MatrixShape.Rows])];
    }

    [GlobalCleanup]
    public void Cleanup()
    {
        foreach (IDisposable part in (IDisposable[])[.. _copies, _options, .. _x, .. _y])
        {
            part.Dispose();
        }
    }

    [Benchmark]
    public void MatMulNBits()
    {
        InferenceSession session = _copies[_next];
        _next = (_next + 1) % _copies.Length;
        session.Run(_options, [OnnxGraph.Input], _x, [OnnxGraph.Output], _y);
    }
}
