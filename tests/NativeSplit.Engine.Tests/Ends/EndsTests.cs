using NativeSplit.Engine.Ends;
using NativeSplit.Model;
using NativeSplit.Model.Files;
using NativeSplit.Model.Weights;
using NativeSplit.Testing;

namespace NativeSplit.Engine.Tests.Ends;

public sealed class EndsTests : IDisposable
{
    private readonly LoadedModel _model = new(GoldenManifest.Default.Model("llama256-q8_0").Path, KernelSets.Fastest, threads: 2);

    [Fact]
    public void Embed_GivesTheSameRow_ForATokenWhereverItStands()
    {
        float[] rows = _model.Embed([5, 300, 5]);
        int width = _model.Shape.HiddenSize;
        Assert.Equal(rows[..width], rows[(2 * width)..]);
        Assert.NotEqual(rows[..width], rows[width..(2 * width)]);
        Assert.Equal(_model.Embed([300]), rows[width..(2 * width)]);
    }

    [Theory]
    [InlineData(-1)]
    [InlineData(384)]
    [InlineData(int.MaxValue)]
    public void Embed_WritesNothing_WhenATokenIsUnknown(int token)
    {
        float[] hidden = new float[2 * _model.Shape.HiddenSize];
        var error = Assert.Throws<ArgumentException>(() => _model.Embedding.Embed([new TokenId(1), new TokenId(token)], hidden));
        Assert.Contains("vocabulary of 384", error.Message, StringComparison.Ordinal);
        Assert.All(hidden, value => Assert.Equal(0f, value));
    }

    [Fact]
    public void Embed_Refuses_WhenLengthsDiffer() =>
        Assert.Throws<ArgumentException>(() => _model.Embedding.Embed([new TokenId(1)], new float[_model.Shape.HiddenSize + 1]));

    [Fact]
    public void ComputeLogits_GivesTheSameBits_ForAnyChoiceAndOrderOfRows()
    {
        // 40 rows are more than the 16 the head takes at once.
        float[] hidden = _model.Embed([.. Enumerable.Range(0, 40)]);
        float[] all = _model.Logits(hidden);
        int vocabulary = _model.Shape.VocabularySize;
        int[] wanted = [39, 3, 3, 17];
        float[] chosen = new float[wanted.Length * vocabulary];
        _model.Head.ComputeLogits(hidden, wanted, chosen);
        for (int i = 0; i < wanted.Length; i++)
        {
            Assert.Equal(all.AsSpan(wanted[i] * vocabulary, vocabulary), chosen.AsSpan(i * vocabulary, vocabulary));
        }

        using var other = new LoadedModel(GoldenManifest.Default.Model("llama256-q8_0").Path, KernelSets.Fastest, threads: 7);
        Assert.Equal(all, other.Logits(hidden));
    }

    [Fact]
    public void ComputeLogits_WritesNothing_WhenARowIsNotThereOrALengthIsWrong()
    {
        float[] hidden = new float[3 * _model.Shape.HiddenSize];
        float[] logits = new float[_model.Shape.VocabularySize];
        Assert.Throws<ArgumentOutOfRangeException>(() => _model.Head.ComputeLogits(hidden, [3], logits));
        Assert.Throws<ArgumentOutOfRangeException>(() => _model.Head.ComputeLogits(hidden, [-1], logits));
        Assert.Throws<ArgumentException>(() => _model.Head.ComputeLogits(hidden, [1, 2], logits));
        Assert.Throws<ArgumentException>(() => _model.Head.ComputeLogits(hidden.AsSpan(1), [0], logits));
        Assert.All(logits, value => Assert.Equal(0f, value));
    }

    [Fact]
    public void Constructor_Refuses_WhenTheHeadIsOfAnotherModel()
    {
        using var file = ModelFile.Open(GoldenManifest.Default.Model("llama-untied-f32").Path);
        using var weights = file.Load(new WeightSelection(new LayerRange(0, 0), Embedding: false, Head: true));
        Assert.Throws<ArgumentException>(() => new LanguageHead(_model.Shape, weights.Head!, KernelSets.Fastest, _model.Team));
    }

    public void Dispose() => _model.Dispose();
}
