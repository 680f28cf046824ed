using NativeSplit.Engine.Ends;
using NativeSplit.Engine.Execution;
using NativeSplit.Kernels;
using NativeSplit.Kernels.Threading;
using NativeSplit.Model;
using NativeSplit.Model.Files;
using NativeSplit.Model.Weights;

namespace NativeSplit.Engine.Tests;

/// <summary>A model with its ends and executors for a cut, on one kernel set and one team. Disposes all of it.</summary>
internal sealed class LoadedModel : IDisposable
{
    private readonly List<IDisposable> _owned = [];
    private readonly float[] _logits;
    private ulong _sequences;

    public LoadedModel(string path, KernelSet kernels, int threads = 1, int[]? cut = null, int capacity = 1024, int maxRows = 256, ActivationPrecision precision = ActivationPrecision.Float32, KeyValueType kvType = KeyValueType.F32)
    {
        using var file = ModelFile.Open(path);
        Shape = file.Shape;
        Team = Own(ThreadTeam.Create(threads));
        var ends = Own(file.Load(new WeightSelection(new LayerRange(0, 0), Embedding: true, Head: true)));
        Embedding = new TokenEmbedding(Shape, ends, kernels);
        Head = Own(new LanguageHead(Shape, ends.Head!, kernels, Team, precision: precision));
        int[] borders = [0, .. cut ?? [], Shape.LayerCount];
        Executors = new CpuLayerExecutor[borders.Length - 1];
        for (int i = 0; i < Executors.Length; i++)
        {
            var weights = Own(file.Load(WeightSelection.LayersOnly(new LayerRange(borders[i], borders[i + 1]))));
            var options = new CpuExecutorOptions { KvCapacityTokens = capacity, MaxBatchRows = maxRows, Activations = precision, KvType = kvType };
            Executors[i] = Own(new CpuLayerExecutor(Shape, weights, kernels, Team, options));
        }

        _logits = new float[Shape.VocabularySize];
    }

    public ModelShape Shape { get; }

    public ThreadTeam Team { get; }

    public TokenEmbedding Embedding { get; }

    public LanguageHead Head { get; }

    public CpuLayerExecutor[] Executors { get; }

    /// <summary>A new sequence with room on every stage.</summary>
    public SequenceId Reserve(int tokens)
    {
        var sequence = new SequenceId(++_sequences);
        Assert.All(Executors, executor => Assert.True(executor.TryReserve(sequence, tokens)));
        return sequence;
    }

    public void Free(SequenceId sequence) => Array.ForEach(Executors, executor => executor.Free(sequence));

    /// <summary>Runs a batch through all stages, in place.</summary>
    public void Forward(ReadOnlySpan<SequenceRows> batch, Span<float> hidden)
    {
        foreach (var executor in Executors)
        {
            executor.Forward(batch, hidden);
        }
    }

    /// <summary>Hidden rows of tokens. Shape [tokens, hidden].</summary>
    public float[] Embed(ReadOnlySpan<int> tokens, int position = 0)
    {
        float[] hidden = new float[tokens.Length * Shape.HiddenSize];
        var ids = new TokenId[tokens.Length];
        for (int i = 0; i < ids.Length; i++)
        {
            ids[i] = new TokenId(tokens[i]);
        }

        Embedding.Embed(ids, hidden, position);
        return hidden;
    }

    /// <summary>Logits of every hidden row. Shape [rows, vocabulary].</summary>
    public float[] Logits(ReadOnlySpan<float> hidden)
    {
        int[] rows = [.. Enumerable.Range(0, hidden.Length / Shape.HiddenSize)];
        float[] logits = new float[rows.Length * Shape.VocabularySize];
        Head.ComputeLogits(hidden, rows, logits);
        return logits;
    }

    /// <summary>Logits of every position of a new sequence, run in pieces of at most so many rows. Shape [tokens, vocabulary].</summary>
    public float[] Run(ReadOnlySpan<int> tokens, int piece = int.MaxValue)
    {
        var sequence = Reserve(tokens.Length);
        float[] hidden = Embed(tokens);
        for (int position = 0; position < tokens.Length; position += Math.Min(piece, tokens.Length))
        {
            int count = Math.Min(piece, tokens.Length - position);
            Forward([new SequenceRows(sequence, position, count)], hidden.AsSpan(position * Shape.HiddenSize, count * Shape.HiddenSize));
        }

        Free(sequence);
        return Logits(hidden);
    }

    /// <summary>Greedy continuation of a prompt, lower id on equal logits.</summary>
    public int[] Continue(ReadOnlySpan<int> prompt, int count)
    {
        var sequence = Reserve(prompt.Length + count);
        int[] continuation = new int[count];
        float[] hidden = Embed(prompt);
        Forward([new SequenceRows(sequence, 0, prompt.Length)], hidden);
        for (int i = 0; i < count; i++)
        {
            Head.ComputeLogits(hidden, [(hidden.Length / Shape.HiddenSize) - 1], _logits);
            continuation[i] = _logits.AsSpan().IndexOf(_logits.Max());
            hidden = Embed([continuation[i]], prompt.Length + i);
            Forward([new SequenceRows(sequence, prompt.Length + i, 1)], hidden);
        }

        Free(sequence);
        return continuation;
    }

    public void Dispose()
    {
        for (int i = _owned.Count - 1; i >= 0; i--)
        {
            _owned[i].Dispose();
        }
    }

    private T Own<T>(T resource)
        where T : IDisposable
    {
        _owned.Add(resource);
        return resource;
    }
}
