using NativeSplit.Kernels.Memory;
using NativeSplit.Model.Files;
using NativeSplit.Model.Weights;
using NativeSplit.Testing;

namespace NativeSplit.Model.Tests.Files.HuggingFace;

[Collection(nameof(MappedMemoryCollection))]
public sealed class HuggingFaceFuzzTests
{
    private static readonly byte[] Spice = "{}[]\",:-0123456789eE.\\u null true false\0\xFF"u8.ToArray();

    [Theory]
    [InlineData("config.json")]
    [InlineData("generation_config.json")]
    [InlineData("tokenizer_config.json")]
    [InlineData("model.safetensors.index.json")]
    public void Open_GivesWeightsOrAModelException_WhenAFileIsDamaged(string name)
    {
        using var folder = new TemporaryFolder();
        foreach (string file in Directory.EnumerateFiles(TestData.PathOf("roadside", "hf")))
        {
            File.Copy(file, Path.Combine(folder.Path, Path.GetFileName(file)));
        }

        byte[] whole = File.ReadAllBytes(Path.Combine(folder.Path, name));
        int refused = 0;
        for (int seed = 0; seed < 400; seed++)
        {
            folder.Write(name, Damage(whole, new Random(seed)));
            try
            {
                using var model = ModelFile.Open(folder.Path);
                using var weights = model.Load(WeightSelection.Everything(model.Shape));
                Assert.Equal(model.Shape.LayerCount, weights.Layers.Count);
            }
            catch (ModelException error)
            {
                Assert.Contains(folder.Path, error.Message, StringComparison.Ordinal);
                refused++;
            }
            catch (Exception error)
            {
                Assert.Fail($"seed {seed}: {error}");
            }
        }

        Assert.InRange(refused, 100, 399);
        Assert.Equal(0, MemoryAccounting.MappedBytes);
    }

    private static byte[] Damage(byte[] whole, Random random)
    {
        byte[] file = [.. whole];
        for (int changes = random.Next(1, 4); changes > 0; changes--)
        {
            file[random.Next(file.Length)] = Spice[random.Next(Spice.Length)];
        }

        return random.Next(8) == 0 ? file[..random.Next(file.Length)] : file;
    }
}
