using NativeSplit.Engine.Execution;
using NativeSplit.Testing;

namespace NativeSplit.Engine.Tests.Execution;

/// <summary>The shipped model against the results computed from its float32 weights.</summary>
public class RoadsideTests
{
    private static readonly string Shipped = TestData.ModelPath("roadside-1.6m-q8_0.gguf");

    // 40 tokens: the cache turns a page.
    private static readonly int[] Prompt = RoadsideGolden.Cases[0].PromptIds;

    private static readonly Lazy<(float[] Logits, int[] Tokens)> Whole = new(RunWhole);

    public static TheoryData<string, int, int> Kernels => new()
    {
        { "scalar", 3, 8 }, // The specification is slow.
        { "avx2", 10, 64 },
        { "avx512", 10, 64 },
    };

    public static TheoryData<int, int> Cuts
    {
        get
        {
            // Every cut of eight layers into two ranges (b = 8) and into three.
            var cuts = new TheoryData<int, int>();
            for (int a = 1; a < 8; a++)
            {
                for (int b = a + 1; b <= 8; b++)
                {
                    cuts.Add(a, b);
                }
            }

            return cuts;
        }
    }

    [Theory]
    [MemberData(nameof(Kernels))]
    public void Continue_GivesTheReferenceTokens_FromTheFloat32Weights(string kernels, int cases, int tokens)
    {
        using var model = new LoadedModel(RoadsideGolden.HuggingFaceDirectory, KernelSets.OrSkip(kernels), threads: 2);
        Assert.All(RoadsideGolden.Cases.TakeLast(cases), entry => Assert.Equal(entry.ContinuationIds[..tokens], model.Continue(entry.PromptIds, tokens)));
    }

    [Fact]
    public void Logits_AreThoseOfTheReference_AtTheLastPromptPosition()
    {
        using var model = new LoadedModel(RoadsideGolden.HuggingFaceDirectory, KernelSets.Fastest);
        var cases = RoadsideGolden.Cases.Where(entry => entry.LastPromptLogits is not null).ToList();
        Assert.Equal(10, RoadsideGolden.Cases.Count);
        Assert.Equal(3, cases.Count);
        foreach (var entry in cases)
        {
            float[] logits = model.Run(entry.PromptIds)[^model.Shape.VocabularySize..];

            // Two float32 computations, each within 1e-5 of the largest logit (the golden README's bound for llama.cpp), in other orders of summation.
            Assert.True(Comparison.MaxDifference(logits, entry.LastPromptLogits) <= 2e-5 * Comparison.Largest(entry.LastPromptLogits));
        }
    }

    [Theory]
    [InlineData("roadside-1.6m-f16.gguf", ActivationPrecision.Float32, 10)]
    [InlineData("roadside-1.6m-q8_0.gguf", ActivationPrecision.Float32, 9)]
    [InlineData("roadside-1.6m-q8_0.gguf", ActivationPrecision.Int8, 9)]
    public void Continue_GivesTheReferenceTexts_FromTheShippedFiles(string file, ActivationPrecision precision, int texts)
    {
        // The card says how many of the ten texts llama.cpp gives with these weights.
        using var model = new LoadedModel(TestData.ModelPath(file), KernelSets.Fastest, threads: 2, precision: precision);
        int equal = RoadsideGolden.Cases.Count(entry =>
        {
            int length = entry.EndIndex + 1 ?? entry.ContinuationIds.Length;
            return model.Continue(entry.PromptIds, length).AsSpan().SequenceEqual(entry.ContinuationIds.AsSpan(0, length));
        });
        Assert.True(equal >= texts, $"{equal} of {RoadsideGolden.Cases.Count} texts are equal");
    }

    [Theory]
    [MemberData(nameof(Cuts))]
    public void Run_GivesTheSameBitsAndTokens_InEveryCut(int first, int second)
    {
        var (logits, tokens) = Whole.Value;
        using var parts = new LoadedModel(Shipped, KernelSets.Fastest, cut: second == 8 ? [first] : [first, second]);
        Assert.Equal(logits, parts.Run(Prompt, piece: 16));
        Assert.Equal(tokens, parts.Continue(Prompt, tokens.Length));
    }

    private static (float[] Logits, int[] Tokens) RunWhole()
    {
        using var whole = new LoadedModel(Shipped, KernelSets.Fastest);
        return (whole.Run(Prompt), whole.Continue(Prompt, 8));
    }
}
