using System.Buffers.Binary;
using NativeSplit.Model.Files;
using NativeSplit.Model.Files.Gguf;
using NativeSplit.Model.Weights;
using NativeSplit.Testing;

namespace NativeSplit.Model.Tests.Files.Gguf;

[Collection(nameof(MappedMemoryCollection))]
public sealed class GgufFuzzTests
{
    private const int HeaderBytes = 11_377;

    // A byte of the file makes at most a handful on the heap: an empty array of 12 bytes costs about 56, a string of 8 bytes 30.
    private const long HeapBytesPerFileByte = 8;
    private const long FixedHeapBytes = 1 << 20;

    [Fact]
    public void Read_GivesADirectoryOrAModelException_WhenTheHeaderIsDamaged()
    {
        byte[] whole = File.ReadAllBytes(TestData.PathOf("golden", "models", "llama-plain-f32.gguf"));
        byte[] header = whole[..HeaderBytes];
        int refused = 0;
        for (int seed = 0; seed < 12_000; seed++)
        {
            int length = Damage(whole, header, seed);
            refused += Judge(whole, length, seed) ? 0 : 1;
            header.CopyTo(whole, 0);
        }

        // Most damage hits the vocabulary's text, which no reader can notice; the rest has to be found.
        Assert.InRange(refused, 3_000, 11_999);
    }

    [Fact]
    public void Open_GivesWeightsOrAModelException_WhenTheFileIsDamaged()
    {
        byte[] header = GgufBuilder.TinyLlama().Build();
        byte[] file = [.. header];
        using var folder = new TemporaryFolder();
        for (int seed = 0; seed < 600; seed++)
        {
            int length = Damage(file, header[..1400], seed);
            string path = folder.Write("fuzzed.gguf", file[..length]);
            try
            {
                using var model = ModelFile.Open(path);
                using var weights = model.Load(WeightSelection.Everything(model.Shape));
                Assert.Equal(model.Shape.LayerCount, weights.Layers.Count);
            }
            catch (ModelException error)
            {
                Assert.Contains("fuzzed.gguf", error.Message, StringComparison.Ordinal);
            }
            catch (Exception error)
            {
                Assert.Fail($"seed {seed}: {error}");
            }

            header.CopyTo(file, 0);
        }

        Assert.Equal(0, Kernels.Memory.MemoryAccounting.MappedBytes);
    }

    private static bool Judge(byte[] file, int length, int seed)
    {
        long before = GC.GetAllocatedBytesForCurrentThread();
        bool accepted = true;
        try
        {
            GgufDirectory.Read(new MemoryStream(file, 0, length, writable: false), "fuzzed.gguf");
        }
        catch (ModelException)
        {
            accepted = false;
        }
        catch (Exception error)
        {
            Assert.Fail($"seed {seed}: {error}");
        }

        long allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        Assert.True(allocated <= FixedHeapBytes + (HeapBytesPerFileByte * length), $"seed {seed}: {allocated} bytes allocated for a file of {length}");
        return accepted;
    }

    // Damages the header in place; gives the length that the file shall have.
    private static int Damage(byte[] file, byte[] header, int seed)
    {
        var random = new Random(seed);
        int position = random.Next(header.Length);
        switch (seed % 4)
        {
            case 0:
                for (int flips = random.Next(1, 9); flips > 0; flips--)
                {
                    file[random.Next(header.Length)] ^= (byte)(1 << random.Next(8));
                }

                return file.Length;
            case 1:
                return random.Next(header.Length);
            case 2:
                ulong[] absurd = [ulong.MaxValue, long.MaxValue, 1ul << 32, uint.MaxValue, int.MaxValue, (ulong)file.Length, 0, 1 << 20];
                BinaryPrimitives.WriteUInt64LittleEndian(file.AsSpan(Math.Min(position, header.Length - 8)), absurd[random.Next(absurd.Length)]);
                return file.Length;
            default:
                random.NextBytes(file.AsSpan(position, Math.Min(random.Next(1, 64), header.Length - position)));
                return file.Length;
        }
    }
}
