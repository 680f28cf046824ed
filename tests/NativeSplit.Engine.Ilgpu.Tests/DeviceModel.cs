using NativeSplit.Engine.Ends;
using NativeSplit.Engine.Execution;
using NativeSplit.Kernels;
using NativeSplit.Kernels.Ilgpu;
using NativeSplit.Kernels.Threading;
using NativeSplit.Model;
using NativeSplit.Model.Files;
using NativeSplit.Model.Weights;

namespace NativeSplit.Engine.Ilgpu.Tests;

/// <summary>A model whose layers lie on a device, in one or more ranges; its ends run on the processor. Borrows the device.</summary>
internal sealed class DeviceModel : IDisposable
{
    private static readonly KernelSet Kernels = KernelCatalog.All.First(set => set.IsSupported);

    private readonly ModelWeights _ends;
    private readonly ThreadTeam _team = ThreadTeam.Create(1);
    private readonly TokenEmbedding _embedding;
    private readonly LanguageHead _head;

    public DeviceModel(string path, ComputeDevice device, int capacity = 256, int maxRows = 256, int[]? cut = null)
    {
        using var file = ModelFile.Open(path);
        Shape = file.Shape;
        _ends = file.Load(new WeightSelection(new LayerRange(0, 0), Embedding: true, Head: true));
        _embedding = new TokenEmbedding(Shape, _ends, Kernels);
        _head = new LanguageHead(Shape, _ends.Head!, Kernels, _team, precision: ActivationPrecision.Float32);
        int[] borders = [0, .. cut ?? [], Shape.LayerCount];
        Executors = new IlgpuLayerExecutor[borders.Length - 1];
        try
        {
            for (int i = 0; i < Executors.Length; i++)
            {
                // The executor releases the matrices, and needs nothing of the weights afterwards.
                using ModelWeights weights = file.Load(WeightSelection.LayersOnly(new LayerRange(borders[i], borders[i + 1])));
                Executors[i] = new IlgpuLayerExecutor(Shape, weights, device, new IlgpuExecutorOptions { KvCapacityTokens = capacity, MaxBatchRows = maxRows });
            }
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    public ModelShape Shape { get; }

    public IlgpuLayerExecutor[] Executors { get; }

    public float[] Embed(ReadOnlySpan<int> tokens)
    {
        float[] hidden = new float[tokens.Length * Shape.HiddenSize];
        var ids = new TokenId[tokens.Length];
        for (int i = 0; i < ids.Length; i++)
        {
            ids[i] = new TokenId(tokens[i]);
        }

        _embedding.Embed(ids, hidden);
        return hidden;
    }

    /// <summary>Logits of every position of a new sequence, run in pieces of at most so many rows. Shape [tokens, vocabulary].</summary>
    public float[] Run(ReadOnlySpan<int> tokens, int piece = int.MaxValue)
    {
        var sequence = new SequenceId(1);
        float[] hidden = Embed(tokens);
        foreach (IlgpuLayerExecutor executor in Executors)
        {
            Assert.True(executor.TryReserve(sequence, tokens.Length));
        }

        for (int position = 0, count; position < tokens.Length; position += count)
        {
            count = Math.Min(piece, tokens.Length - position);
            foreach (IlgpuLayerExecutor executor in Executors)
            {
                executor.Forward([new SequenceRows(sequence, position, count)], hidden.AsSpan(position * Shape.HiddenSize, count * Shape.HiddenSize));
            }
        }

        Array.ForEach(Executors, executor => executor.Free(sequence));
        float[] logits = new float[tokens.Length * Shape.VocabularySize];
        _head.ComputeLogits(hidden, [.. Enumerable.Range(0, tokens.Length)], logits);
        return logits;
    }

    public void Dispose()
    {
        foreach (IlgpuLayerExecutor? executor in Executors ?? [])
        {
            executor?.Dispose();
        }

        _head.Dispose();
        _team.Dispose();
        _ends.Dispose();
    }
}
