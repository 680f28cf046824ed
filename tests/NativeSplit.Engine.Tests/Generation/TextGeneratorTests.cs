using System.Text;
using NativeSplit.Engine.Generation;
using NativeSplit.Engine.Sampling;
using NativeSplit.Model;
using NativeSplit.Testing;

namespace NativeSplit.Engine.Tests.Generation;

/// <summary>What a generation yields: tokens, text, end, counts.</summary>
public class TextGeneratorTests
{
    private static readonly GoldenSequence Golden = GoldenManifest.Default.Model("llama-untied-f32").References["llamacpp"].Single(s => s.Name == "s17");

    private static readonly int[] Prompt = GoldenManifest.Default.Sequences["s17"];

    private static readonly int[] Greedy = Golden.Greedy[..16];

    [Fact]
    public async Task ReadAllAsync_GivesLlamaCppsGreedyTokens_OnePerChunk()
    {
        await using var harness = new GeneratorHarness();
        var result = await harness.RunAsync(GeneratorHarness.Request(Prompt, Greedy.Length));

        Assert.True(Golden.GreedyMargins[..16].Min() > 0.001);
        Assert.Equal(Greedy, result.Tokens);
        Assert.Equal(string.Concat(Greedy.Select(id => $"[{id}]")), result.Text);
        Assert.Equal(FinishReason.Length, result.Finish);
        Assert.Equal(new GenerationUsage(17, 16), result.Usage);
        Assert.Equal((0, 0), harness.Held);
    }

    [Fact]
    public async Task ReadAllAsync_EndsAtAnEndToken_AndLeavesItOutOfTheText()
    {
        await using var harness = new GeneratorHarness(tokenizer: new TestTokenizer(384, null, EndToken));
        int end = Array.IndexOf(Greedy, EndToken);
        var result = await harness.RunAsync(GeneratorHarness.Request(Prompt, 16));

        Assert.Equal(Greedy[..(end + 1)], result.Tokens);
        Assert.Equal(string.Concat(Greedy[..end].Select(id => $"[{id}]")), result.Text);
        Assert.Equal(FinishReason.Stop, result.Finish);
        Assert.Equal(end + 1, result.Usage.CompletionTokens);

        var printed = await harness.RunAsync(GeneratorHarness.Request(Prompt, 16) with { PrintSpecial = true });
        Assert.Equal(result.Text + $"[{EndToken}]", printed.Text);

        var ignored = await harness.RunAsync(GeneratorHarness.Request(Prompt, 16) with { IgnoreEndOfGeneration = true });
        Assert.Equal(Greedy, ignored.Tokens);
        Assert.Equal(FinishReason.Length, ignored.Finish);
    }

    [Fact]
    public async Task ReadAllAsync_EndsAtATokenOfTheOptions_ThatTheTokenizerDoesNotName()
    {
        var options = new TextGeneratorOptions { EndOfGeneration = [new TokenId(EndToken)] };
        await using var harness = new GeneratorHarness(options);
        var result = await harness.RunAsync(GeneratorHarness.Request(Prompt, 16));

        Assert.Equal(FinishReason.Stop, result.Finish);
        Assert.DoesNotContain($"[{EndToken}]", result.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ReadAllAsync_EndsAtAStopString_ThatBeginsInOneTokenAndEndsInAnother()
    {
        await using var harness = new GeneratorHarness();
        string stop = $"{Greedy[3]}][{Greedy[4]}";
        var result = await harness.RunAsync(GeneratorHarness.Request(Prompt, 16) with { Stop = ["never", stop] });

        Assert.Equal(Greedy[..5], result.Tokens);
        Assert.Equal(string.Concat(Greedy[..3].Select(id => $"[{id}]")) + "[", result.Text);
        Assert.Equal(FinishReason.Stop, result.Finish);
    }

    [Fact]
    public async Task ReadAllAsync_GivesTheHeldTextAtTheEnd_WhenNoStopStringCame()
    {
        await using var harness = new GeneratorHarness();
        string all = string.Concat(Greedy.Select(id => $"[{id}]"));
        var result = await harness.RunAsync(GeneratorHarness.Request(Prompt, 16) with { Stop = [all[^5..] + "more"] });

        Assert.Equal(all, result.Text);
        Assert.Equal(FinishReason.Length, result.Finish);
    }

    [Fact]
    public async Task ReadAllAsync_NeverGivesHalfACharacter_AndMarksOneLeftOpenAtTheEnd()
    {
        // The first two tokens are the halves of one character, the third the first half of another.
        byte[] smile = Encoding.UTF8.GetBytes("🙂");
        var tokenizer = new TestTokenizer(384, new Dictionary<int, byte[]> { [Greedy[0]] = smile[..2], [Greedy[1]] = smile[2..] });
        await using var harness = new GeneratorHarness(tokenizer: tokenizer);
        await using var generation = await harness.Generator.StartAsync(GeneratorHarness.Request(Prompt, 2), TestContext.Current.CancellationToken);
        List<string> pieces = [];
        await foreach (var chunk in generation.ReadAllAsync(TestContext.Current.CancellationToken))
        {
            pieces.Add(chunk.Text);
        }

        Assert.Equal(["", "🙂"], pieces);
        Assert.Equal("\uFFFD", (await harness.RunAsync(GeneratorHarness.Request(Prompt, 1))).Text);
    }

    [Fact]
    public async Task ReadAllAsync_GoesToTheEndOfTheContext_WhenTheRequestGivesNoLimit()
    {
        await using var harness = new GeneratorHarness(capacity: 64);
        var result = await harness.RunAsync(GeneratorHarness.Request(Prompt));
        Assert.Equal(64 - 17, result.Tokens.Length);
        Assert.Equal(FinishReason.Length, result.Finish);
        Assert.Equal(64 - 17, (await harness.RunAsync(GeneratorHarness.Request(Prompt, 10_000))).Tokens.Length);
    }

    [Fact]
    public async Task ReadAllAsync_GivesTheSameTokens_WhateverElseRuns()
    {
        int[][] prompts = [Prompt, GoldenManifest.Default.Sequences["s64"], [5], [.. Enumerable.Range(40, 33)]];
        GenerationRequest[] requests =
        [
            .. prompts.Select((prompt, i) => GeneratorHarness.Request(prompt, 20 + i) with
            {
                Sampling = new SamplingOptions { Temperature = i, TopP = 0.95f, RepetitionPenalty = 1.1f, Seed = (ulong)i },
            }),
        ];
        await using var harness = new GeneratorHarness(new TextGeneratorOptions { MaxBatchRows = 12, PrefillChunkRows = 5, MaxSequences = 4 });
        List<GeneratorHarness.Result> alone = [];
        foreach (var request in requests)
        {
            alone.Add(await harness.RunAsync(request));
        }

        var together = await Task.WhenAll(requests.Select(harness.RunAsync));

        Assert.All(Enumerable.Range(0, requests.Length), i => Assert.Equal(alone[i].Tokens, together[i].Tokens));
        Assert.Equal((0, 0), harness.Held);
        await using var wide = new GeneratorHarness(new TextGeneratorOptions());
        Assert.Equal(alone[1].Tokens, (await wide.RunAsync(requests[1])).Tokens);
    }

    [Fact]
    public async Task Timings_RunFromAdmissionToTheNewestToken()
    {
        var time = new StepClock();
        await using var harness = new GeneratorHarness(time: time);
        harness.Path.AfterForward = (_, _) => time.Advance(TimeSpan.FromMilliseconds(10));
        await using var generation = await harness.Generator.StartAsync(GeneratorHarness.Request(Prompt, 5), TestContext.Current.CancellationToken);
        await GeneratorHarness.ReadAsync(generation);

        // 17 prompt rows in pieces of 8 take three steps; then four more tokens.
        Assert.Equal(new GenerationTimings(TimeSpan.FromMilliseconds(30), TimeSpan.FromMilliseconds(40)), generation.Timings);
    }

    [Fact]
    public async Task Step_AllocatesNothing_FromEmbeddingToSampledToken()
    {
        using var model = new LoadedModel(GoldenManifest.Default.Model("llama-untied-f32").Path, KernelSets.Fastest, cut: [1]);
        await using var path = new NativeSplit.Engine.Execution.LocalLayerPath(model.Executors);
        var options = new TextGeneratorOptions { MaxBatchRows = 16, PrefillChunkRows = 8, MaxSequences = 3 };
        var runner = new StepRunner(path, model.Embedding, model.Head, model.Shape.VocabularySize, options);
        var batch = new StepBatch(options);
        var workspace = new SamplerWorkspace(model.Shape.VocabularySize);
        List<RunningGeneration> running = [];
        for (int i = 0; i < 3; i++)
        {
            var sampling = new SamplingOptions { Temperature = i, TopK = 50, TopP = 0.9f, FrequencyPenalty = 0.1f, Seed = 3 };
            var sequence = new ActiveSequence(new((ulong)i), GeneratorHarness.Tokens(Prompt), 100, new Sampler(sampling, GeneratorHarness.Tokens(Prompt), 100, workspace));
            Assert.True(await path.TryReserveAsync(sequence.Id, 120, CancellationToken.None));
            var text = new TokenText(GeneratorHarness.Request(Prompt), new TestTokenizer(384), new HashSet<TokenId>());
            running.Add(new RunningGeneration(sequence, text, TimeProvider.System, _ => { }));
        }

        Steps(40);
        long before = GC.GetAllocatedBytesForCurrentThread();
        Steps(40);

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
        Assert.All(running, generation => Assert.InRange(generation.Sequence.CompletionTokens, 60, 80));

        void Steps(int count)
        {
            for (int step = 0; step < count; step++)
            {
                batch.Plan(running);
                var run = runner.RunAsync(batch, CancellationToken.None);
                Assert.True(run.IsCompletedSuccessfully);
                for (int i = 0; i < batch.LogitCount; i++)
                {
                    batch.LogitGeneration(i).Sequence.Sample(runner.Logits(i));
                }
            }
        }
    }

    private static int EndToken => Greedy[9];

    private sealed class StepClock : TimeProvider
    {
        private long _ticks = 1;

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public override long GetTimestamp() => Volatile.Read(ref _ticks);

        public void Advance(TimeSpan by) => Interlocked.Add(ref _ticks, by.Ticks);
    }
}
