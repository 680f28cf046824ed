using NativeSplit.Kernels.Formats;
using NativeSplit.Model.Files.Gguf;
using NativeSplit.Testing;

namespace NativeSplit.Model.Tests.Files.Gguf;

public sealed class GgmlTypeTests
{
    [Fact]
    public void All_HaveTheKernelsNumbersNamesAndSizes_WhereTheKernelsKnowThem()
    {
        foreach (var type in BlockFormat.Supported)
        {
            var format = BlockFormat.Of(type);
            Assert.True(GgmlType.TryGet((uint)type, out var known));
            Assert.Equal(new GgmlType((uint)type, type.ToString(), format.BlockLength, format.BlockBytes), known);
        }
    }

    // Written by llama.cpp's tools: the tensors of these files fill them without gap or overlap only if the sizes are right.
    [Theory]
    [InlineData("llama256-mxfp4.gguf", "MXFP4")]
    [InlineData("llama256-q3_k.gguf", "Q3_K")]
    [InlineData("llama256-iq4_xs.gguf", "IQ4_XS")]
    public void Read_FindsTensorsSideBySide_InFilesOfOtherTools(string file, string type)
    {
        var directory = GgufDirectory.Read(TestData.SharedPathOrSkip("golden", "models", file));
        long position = directory.Tensors[0].Offset;
        foreach (var tensor in directory.Tensors)
        {
            Assert.Equal(position, tensor.Offset);
            position = (tensor.Offset + tensor.ByteLength + directory.Alignment - 1) / directory.Alignment * directory.Alignment;
        }

        Assert.Equal(directory.FileLength, position);
        Assert.Contains(directory.Tensors, tensor => tensor.Type.Name == type);
    }
}
