using System.Text;
using NativeSplit.Engine.Execution;
using NativeSplit.Engine.Generation;
using NativeSplit.Model;
using NativeSplit.Testing;

namespace NativeSplit.Engine.Tests.Generation;

/// <summary>A generator over a golden model cut in two, with a path that tests can tamper with.</summary>
internal sealed class GeneratorHarness : IAsyncDisposable
{
    private readonly LoadedModel _model;

    public GeneratorHarness(TextGeneratorOptions? options = null, TestTokenizer? tokenizer = null, int capacity = 512, string name = "llama-untied-f32", TimeProvider? time = null)
    {
        _model = new LoadedModel(GoldenManifest.Default.Model(name).Path, KernelSets.Fastest, cut: [2], capacity: capacity);
        Path = new TestPath(new LocalLayerPath(_model.Executors));
        Generator = new TextGenerator(
            Path,
            _model.Embedding,
            _model.Head,
            tokenizer ?? new TestTokenizer(_model.Shape.VocabularySize),
            time ?? TimeProvider.System,
            options ?? new TextGeneratorOptions { MaxBatchRows = 32, PrefillChunkRows = 8, MaxSequences = 4 });
    }

    public TestPath Path { get; }

    public TextGenerator Generator { get; }

    public ModelShape Shape => _model.Shape;

    /// <summary>What the stages hold; every stage must hold the same.</summary>
    public (int Tokens, int Sequences) Held
    {
        get
        {
            var use = _model.Executors[0].KvCacheUse;
            Assert.All(_model.Executors, executor => Assert.Equal(use, executor.KvCacheUse));
            return (use.ReservedTokens, use.Sequences);
        }
    }

    public static GenerationRequest Request(int[] prompt, int? maxTokens = null) =>
        new() { Prompt = Tokens(prompt), MaxTokens = maxTokens };

    public static TokenId[] Tokens(params int[] ids) => [.. ids.Select(id => new TokenId(id))];

    /// <summary>Runs a request to its end.</summary>
    public async Task<Result> RunAsync(GenerationRequest request)
    {
        await using var generation = await Generator.StartAsync(request, TestContext.Current.CancellationToken);
        return await ReadAsync(generation);
    }

    public static async Task<Result> ReadAsync(IGeneration generation)
    {
        List<int> tokens = [];
        var text = new StringBuilder();
        FinishReason? finish = null;
        await foreach (var chunk in generation.ReadAllAsync(TestContext.Current.CancellationToken))
        {
            Assert.Null(finish);
            tokens.Add(chunk.Token.Value);
            text.Append(chunk.Text);
            finish = chunk.Finish;
        }

        return new Result([.. tokens], text.ToString(), finish, generation.Usage);
    }

    public async ValueTask DisposeAsync()
    {
        await Generator.DisposeAsync();
        _model.Dispose();
    }

    internal sealed record Result(int[] Tokens, string Text, FinishReason? Finish, GenerationUsage Usage);
}
