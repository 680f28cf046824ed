using System.Buffers.Binary;
using System.Globalization;
using NativeSplit.Kernels.Formats;

namespace NativeSplit.ModelMaker;

/// <summary>Writes a whole llama model with random weights, a piece at a time.</summary>
internal static class RandomModel
{
    private const int PieceBytes = 1 << 20;

    /// <summary>Writes the file.</summary>
    /// <param name="path">File; replaced if it is there.</param>
    /// <param name="shape">Shape.</param>
    /// <param name="mixture">Types.</param>
    /// <param name="seed">Equal seeds give equal files.</param>
    /// <returns>Bytes written.</returns>
    public static long Write(string path, MadeShape shape, TypeMixture mixture, ulong seed)
    {
        List<MadeTensor> tensors = TensorsOf(shape, mixture);
        using var directory = new GgufWriter();
        AddMetadata(directory, shape, mixture);
        foreach (MadeTensor tensor in tensors)
        {
            directory.AddTensor(tensor.Name, tensor.Type, tensor.Rows, tensor.Columns);
        }

        using var file = new FileStream(path, FileMode.Create, FileAccess.Write, FileShare.None, bufferSize: 1 << 16);
        directory.WriteTo(file);
        byte[] piece = new byte[PieceBytes];
        foreach (MadeTensor tensor in tensors)
        {
            WriteData(file, tensor, new WeightRandom(seed, tensor.Name), piece);
            GgufWriter.Pad(file);
        }

        return file.Position;
    }

    private static void AddMetadata(GgufWriter directory, MadeShape shape, TypeMixture mixture)
    {
        directory.Add("general.architecture", "llama");
        directory.Add("general.name", string.Create(CultureInfo.InvariantCulture, $"random-{shape.Name}-{mixture.Name}"));
        directory.Add("general.file_type", mixture.FileType);
        directory.Add("general.quantization_version", 2u);
        directory.Add("llama.context_length", (uint)shape.Context);
        directory.Add("llama.embedding_length", (uint)shape.Hidden);
        directory.Add("llama.block_count", (uint)shape.Layers);
        directory.Add("llama.feed_forward_length", (uint)shape.FeedForward);
        directory.Add("llama.attention.head_count", (uint)shape.Heads);
        directory.Add("llama.attention.head_count_kv", (uint)shape.KeyValueHeads);
        directory.Add("llama.attention.layer_norm_rms_epsilon", 1e-5f);
        directory.Add("llama.rope.dimension_count", (uint)shape.HeadSize);
        directory.Add("llama.rope.freq_base", shape.RopeBase);
        directory.Add("llama.vocab_size", (uint)shape.Vocabulary);
        directory.Add("tokenizer.ggml.model", "llama");
        directory.AddStrings("tokenizer.ggml.tokens", shape.Vocabulary, Vocabulary.PieceOf);
        directory.AddFloats("tokenizer.ggml.scores", shape.Vocabulary, Vocabulary.ScoreOf);
        directory.AddIntegers("tokenizer.ggml.token_type", shape.Vocabulary, Vocabulary.KindOf);
        directory.Add("tokenizer.ggml.unknown_token_id", 0u);
        directory.Add("tokenizer.ggml.bos_token_id", 1u);
        directory.Add("tokenizer.ggml.eos_token_id", 2u);
        directory.Add("tokenizer.ggml.add_bos_token", true);
    }

    private static List<MadeTensor> TensorsOf(MadeShape shape, TypeMixture mixture)
    {
        List<MadeTensor> tensors = [new("token_embd.weight", mixture.Most, shape.Vocabulary, shape.Hidden) { Spread = 1 }];
        for (int layer = 0; layer < shape.Layers; layer++)
        {
            Norm("attn_norm.weight");
            Matrix("attn_q.weight", shape.Hidden, shape.Hidden);
            Matrix("attn_k.weight", shape.KeyValueSize, shape.Hidden);
            Matrix("attn_v.weight", shape.KeyValueSize, shape.Hidden);
            Matrix("attn_output.weight", shape.Hidden, shape.Hidden);
            Norm("ffn_norm.weight");
            Matrix("ffn_gate.weight", shape.FeedForward, shape.Hidden);
            Matrix("ffn_up.weight", shape.FeedForward, shape.Hidden);
            Matrix("ffn_down.weight", shape.Hidden, shape.FeedForward);

            string NameOf(string tensor) => string.Create(CultureInfo.InvariantCulture, $"blk.{layer}.{tensor}");
            void Norm(string tensor) => tensors.Add(new(NameOf(tensor), WeightType.F32, 0, shape.Hidden));
            void Matrix(string tensor, int rows, int columns) => tensors.Add(new(NameOf(tensor), mixture.OfLayer(tensor, layer, shape.Layers), rows, columns));
        }

        tensors.Add(new("output_norm.weight", WeightType.F32, 0, shape.Hidden));
        tensors.Add(new("output.weight", mixture.Output ?? mixture.Most, shape.Vocabulary, shape.Hidden));
        return tensors;
    }

    private static void WriteData(FileStream file, MadeTensor tensor, WeightRandom random, byte[] piece)
    {
        BlockFormat format = BlockFormat.Of(tensor.Type);
        int whole = piece.Length / format.BlockBytes * format.BlockBytes;
        for (long left = format.RowBytes(tensor.Columns) * Math.Max(1, tensor.Rows); left > 0;)
        {
            Span<byte> part = piece.AsSpan(0, (int)Math.Min(whole, left));
            if (tensor.IsNorm)
            {
                FillNorm(random, part);
            }
            else
            {
                RandomBlocks.Fill(tensor.Type, tensor.Spread, random, part);
            }

            file.Write(part);
            left -= part.Length;
        }
    }

    // Gains around 1, as trained norms have them.
    private static void FillNorm(WeightRandom random, Span<byte> destination)
    {
        for (; !destination.IsEmpty; destination = destination[sizeof(float)..])
        {
            BinaryPrimitives.WriteSingleLittleEndian(destination, 1 + (0.1f * random.NextSigned()));
        }
    }

    private readonly record struct MadeTensor(string Name, WeightType Type, int Rows, int Columns)
    {
        /// <summary>Standard deviation of a weight: 1/√columns keeps the size of activations.</summary>
        public float Spread { get; init; } = 1 / MathF.Sqrt(Columns);

        public bool IsNorm => Rows == 0;
    }
}
