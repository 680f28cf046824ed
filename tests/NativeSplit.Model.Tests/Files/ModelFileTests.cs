using NativeSplit.Model.Files;
using NativeSplit.Model.Weights;
using NativeSplit.Testing;

namespace NativeSplit.Model.Tests.Files;

[Collection(nameof(MappedMemoryCollection))]
public sealed class ModelFileTests
{
    [Theory]
    [MemberData(nameof(GoldenShape.PresentNames), MemberType = typeof(GoldenShape))]
    public void Open_GivesTheShapeOfTheReadme_ForEveryGoldenModel(string name)
    {
        var golden = GoldenShape.Of(name);

        using var model = ModelFile.Open(GoldenShape.PathOf(name));

        var shape = model.Shape;
        Assert.Equal(golden.Architecture, shape.Architecture);
        Assert.Equal(
            (golden.Layers, golden.Hidden, golden.Heads, golden.KeyValueHeads, golden.HeadSize, golden.FeedForward),
            (shape.LayerCount, shape.HiddenSize, shape.HeadCount, shape.KeyValueHeadCount, shape.HeadSize, shape.FeedForwardSize));
        Assert.Equal((384, 256), (shape.VocabularySize, shape.ContextLength));
        Assert.Equal(golden.Architecture == "llama" ? RopeLayout.Interleaved : RopeLayout.Halves, shape.Rope.Layout);
        Assert.Equal(golden.Architecture == "gpt2" ? 0 : golden.HeadSize, shape.Rope.Dimensions);
        Assert.Equal(2L * 4 * golden.KeyValueHeads * golden.HeadSize, shape.KeyValueBytesPerTokenPerLayer);
    }

    [Fact]
    public void PresentNames_CoverEverySupportedTypeAndArchitecture()
    {
        var present = GoldenShape.PresentNames.Select(row => GoldenShape.Of(row.Data)).ToList();

        Assert.Equal(25, present.Count);
        Assert.Superset(new HashSet<string> { "llama", "qwen2", "qwen3", "phi3", "gemma2", "gpt2" }, present.Select(model => model.Architecture).ToHashSet());
        Assert.Superset(
            Kernels.Formats.BlockFormat.Supported.Select(type => type.ToString()).ToHashSet(), present.Select(model => model.Type).ToHashSet());
    }

    [Fact]
    public void Open_IsUnsupportedAndListsTheSupported_ForAnotherArchitecture()
    {
        using var folder = new TemporaryFolder();
        string path = folder.Write("other.gguf", new GgufBuilder().AddString("general.architecture", "mamba").Build());

        var error = Assert.Throws<ModelException>(() => ModelFile.Open(path));

        Assert.Equal(ModelFault.Unsupported, error.Fault);
        Assert.Contains("'mamba'", error.Message, StringComparison.Ordinal);
        Assert.Contains("llama, qwen2, qwen3, qwen3moe, phi3, gemma2, gpt2", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Load_NamesTheTensorAndTheSupportedTypes_WhenATypeIsNotSupported()
    {
        using var model = ModelFile.Open(TestData.SharedPathOrSkip("golden", "models", "llama256-mxfp4.gguf"));

        var error = Assert.Throws<ModelException>(() => model.Load(WeightSelection.LayersOnly(new(0, 1))));

        Assert.Equal(ModelFault.Unsupported, error.Fault);
        Assert.Contains(model.Tensors, tensor => tensor.TypeName == "MXFP4");
        Assert.All(["blk.0.", "MXFP4", "Q4_K", "BF16"], part => Assert.Contains(part, error.Message, StringComparison.Ordinal));
    }

    [Fact]
    public void Open_IsNotFound_WhenThereIsNoSuchPath()
    {
        using var folder = new TemporaryFolder();
        string path = Path.Combine(folder.Path, "absent.gguf");

        var error = Assert.Throws<ModelException>(() => ModelFile.Open(path));

        Assert.Equal(ModelFault.NotFound, error.Fault);
        Assert.Contains(path, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Open_PointsAtTheGgufFile_WhenADirectoryHoldsOnlyThat()
    {
        using var folder = new TemporaryFolder();
        string path = folder.Write("model.gguf", GgufBuilder.TinyLlama().Build());

        var error = Assert.Throws<ModelException>(() => ModelFile.Open(folder.Path));

        Assert.Equal(ModelFault.NotFound, error.Fault);
        Assert.Contains(path, error.Message, StringComparison.Ordinal);
    }

    // The card counts 1,607,808 parameters; 8 layers of 184,576 in F32, F16 or Q8_0.
    [Fact]
    public void ParameterCount_IsTheCards_ForTheShippedModel()
    {
        using var model = ModelFile.Open(TestData.ModelPath("roadside-1.6m-f16.gguf"));

        Assert.Equal(1_607_808, model.ParameterCount);
        Assert.Equal("roadside-1.6m", model.Name);
        Assert.Equal((2 * 184_320) + (4 * 256), model.BytesOfLayer(7));
        Assert.Throws<ArgumentOutOfRangeException>(() => model.BytesOfLayer(8));
        Assert.StartsWith("{{ bos_token }}{% for message in messages %}", model.ChatTemplateSource, StringComparison.Ordinal);
    }

    [Fact]
    public void Tensors_KnowTheirLayer()
    {
        using var model = ModelFile.Open(GoldenShape.PathOf("llama-untied-f32"));

        Assert.Equal(
            ["output.weight", "output_norm.weight", "token_embd.weight"],
            model.Tensors.Where(tensor => tensor.Layer is null).Select(tensor => tensor.Name).Order(StringComparer.Ordinal));
        Assert.All(
            model.Tensors.Where(tensor => tensor.Layer is not null),
            tensor => Assert.StartsWith($"blk.{tensor.Layer}.", tensor.Name, StringComparison.Ordinal));
    }

    [Fact]
    public void Fingerprint_TellsModelsApart()
    {
        var fingerprints = GoldenShape.PresentNames.Select(row =>
        {
            using var model = ModelFile.Open(GoldenShape.PathOf(row.Data));
            return model.Fingerprint.Value;
        }).ToList();

        Assert.Equal(fingerprints.Count, fingerprints.Distinct().Count());
        Assert.All(fingerprints, value => Assert.Matches("^[0-9a-f]{64}$", value));
    }

    [Fact]
    public void Fingerprint_IsTheHashOfTheDirectory()
    {
        string path = GoldenShape.PathOf("llama-plain-f32");
        using var model = ModelFile.Open(path);

        // The table of llama-plain-f32.gguf ends at byte 11,377.
        byte[] hash = System.Security.Cryptography.SHA256.HashData(File.ReadAllBytes(path).AsSpan(0, 11_377));
        Assert.Equal(Convert.ToHexStringLower(hash), model.Fingerprint.ToString());
    }

    [Fact]
    public void GenerationDefaults_ComeFromTheMetadata_WhenItHasThem()
    {
        using var folder = new TemporaryFolder();
        using var model = ModelFile.Open(folder.Write("tiny.gguf", GgufBuilder.TinyLlama()
            .AddFloat32("general.sampling.temp", 0.6f)
            .AddInt32("general.sampling.top_k", 20)
            .AddFloat32("general.sampling.top_p", 0.95f)
            .Build()));

        Assert.Equal(new GenerationDefaults { Temperature = 0.6f, TopK = 20, TopP = 0.95f }, model.GenerationDefaults with { EndOfGeneration = GenerationDefaults.None.EndOfGeneration });
    }

    [Fact]
    public void Load_Throws_WhenTheFileIsDisposed()
    {
        var model = ModelFile.Open(GoldenShape.PathOf("llama-plain-f32"));
        model.Dispose();

        Assert.Throws<ObjectDisposedException>(() => model.Load(WeightSelection.LayersOnly(new(0, 1))));
    }
}
