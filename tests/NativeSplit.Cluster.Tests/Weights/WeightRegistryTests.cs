using System.Security.Cryptography;
using System.Security.Cryptography.Cose;
using System.Security.Cryptography.X509Certificates;
using NativeSplit.Cluster.Identity;
using NativeSplit.Cluster.Weights;
using NativeSplit.Model;
using NativeSplit.Model.Files;
using NativeSplit.Model.Weights;
using NativeSplit.Placement;
using NativeSplit.Testing;

namespace NativeSplit.Cluster.Tests.Weights;

/// <summary>What a registry holds is what was pushed, opens to whom it was granted, and says so when it isn't.</summary>
public sealed class WeightRegistryTests : IDisposable
{
    private static readonly NodeId Worker = new("worker-1");
    private readonly TemporaryFolder _folder = new();
    private readonly ClusterAuthority _authority = ClusterAuthority.Create(TimeProvider.System);
    private readonly RegistrySecret _secret = new(RandomNumberGenerator.GetBytes(RegistrySecret.Bytes));
    private readonly ModelFile _model = ModelFile.Open(TestData.ModelPath("roadside-1.6m-q8_0.gguf"));
    private readonly WeightRegistry _registry;
    private readonly WeightPublisher _publisher;
    private readonly WeightKey _key = WeightKey.Create();

    public WeightRegistryTests()
    {
        _registry = new WeightRegistry(new FolderStorage(_folder.Path), _authority.Certificate);
        _publisher = new WeightPublisher(_registry, _authority, _secret);
    }

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public void Dispose()
    {
        _key.Dispose();
        _model.Dispose();
        _authority.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public void OpenModel_GivesTheWeightsOfTheFile_ForGrantedLayers_AndRefusesTheOthers()
    {
        WeightManifest manifest = Push();
        _publisher.Grant(manifest, Worker, _key.PublicText, new LayerRange(2, 4));
        using ModelFile opened = _registry.OpenModel(_registry.Find(null), _key);
        Assert.Equal((_model.Fingerprint, _model.Name, _model.Shape.AllLayers), (opened.Fingerprint, opened.Name, opened.Shape.AllLayers));

        using ModelWeights expected = _model.Load(WeightSelection.LayersOnly(new LayerRange(2, 4)));
        using ModelWeights weights = opened.Load(WeightSelection.LayersOnly(new LayerRange(2, 4)));
        foreach ((LayerWeights one, LayerWeights other) in expected.Layers.Zip(weights.Layers))
        {
            Assert.All(one.Matrices.Zip(other.Matrices), pair => Assert.True(pair.First.BorrowRow(0).SequenceEqual(pair.Second.BorrowRow(0))));
        }

        ClusterException e = Assert.Throws<ClusterException>(() => opened.Load(WeightSelection.LayersOnly(new LayerRange(3, 5))));
        Assert.Equal(ClusterFault.NotAllowed, e.Fault);
        Assert.Contains("layer-4", e.Message);
        Assert.Throws<ClusterException>(() => opened.Load(new WeightSelection(default, Embedding: true, Head: false)));
        Assert.Throws<ClusterException>(() => opened.Load(new WeightSelection(default, Embedding: false, Head: true)));

        // More layers later; those of before stay.
        _publisher.Grant(manifest, Worker, _key.PublicText, new LayerRange(4, 5));
        using ModelWeights more = opened.Load(WeightSelection.LayersOnly(new LayerRange(2, 5)));
        using var other2 = WeightKey.Create();
        using ModelFile another = _registry.OpenModel(manifest, other2);
        Assert.Equal(ClusterFault.NotAllowed, Assert.Throws<ClusterException>(() => another.Load(WeightSelection.LayersOnly(new LayerRange(2, 3)))).Fault);
    }

    [Theory]
    [InlineData("gemma2-f32")]
    [InlineData("gpt2-f32")]
    [InlineData("llama-ropefreqs-f32")]
    [InlineData("mixtral-f32")]
    [InlineData("phi3-f32")]
    [InlineData("qwen2-256-q4_k_m")]
    public void OpenModel_GivesTheShapeOfTheFile_WhateverTheArchitecture(string name)
    {
        using ModelFile file = ModelFile.Open(TestData.PathOf("golden", "models", name + ".gguf"));
        WeightManifest manifest = _publisher.Push(file, DateTimeOffset.UtcNow, (_, _) => { }, Cancel);
        _publisher.Grant(manifest, Worker, _key.PublicText, file.Shape.AllLayers);
        using ModelFile opened = _registry.OpenModel(_registry.Find(null), _key);
        Assert.Equivalent(file.Shape, opened.Shape, strict: true);
        Assert.Equivalent(file.Tensors.OrderBy(tensor => tensor.Name), opened.Tensors.OrderBy(tensor => tensor.Name), strict: true);
        using ModelWeights weights = opened.Load(WeightSelection.LayersOnly(opened.Shape.AllLayers));
    }

    [Fact]
    public void Storage_HoldsNoByteOfTheWeightsInClear()
    {
        Push();
        using var stream = new MemoryStream();
        _model.CopyPartition(_model.DescribePartitions().Partitions[1], stream);
        byte[] piece = stream.ToArray().AsSpan((int)stream.Length / 2, 24).ToArray();
        Assert.All(Directory.GetFiles(_folder.Path, "*", SearchOption.AllDirectories), file => Assert.True(File.ReadAllBytes(file).AsSpan().IndexOf(piece) < 0, file));
    }

    [Fact]
    public void Find_Throws_WhenTheManifestIsAltered_OrSignedByAnother_OrForAnotherPurpose()
    {
        WeightManifest manifest = Push();
        string path = Assert.Single(Directory.GetFiles(Path.Combine(_folder.Path, "manifests")));
        byte[] good = File.ReadAllBytes(path);
        var random = new Random(1);
        for (int i = 0; i < 200; i++)
        {
            byte[] changed = [.. good];
            changed[i < 100 ? i : random.Next(good.Length)] ^= (byte)(1 << random.Next(8));
            Refuses(changed);
        }

        Refuses(good[..^1]);
        Refuses([]);
        using ClusterAuthority other = ClusterAuthority.Create(TimeProvider.System);
        Refuses(manifest.Sign(other.Certificate));
        using ECDsa key = _authority.Certificate.GetECDsaPrivateKey()!;
        byte[] payload = CoseMessage.DecodeSign1(good).Content!.Value.ToArray();
        Refuses(CoseSign1Message.SignEmbedded(payload, new CoseSigner(key, HashAlgorithmName.SHA256), "nativesplit plan/1"u8.ToArray()));
        File.WriteAllBytes(path, good);
        Assert.Equal(manifest.Model.Fingerprint, _registry.Find(null).Model.Fingerprint);

        void Refuses(byte[] bytes)
        {
            File.WriteAllBytes(path, bytes);
            Assert.Equal(ClusterFault.BadRegistry, Assert.Throws<ClusterException>(() => _registry.Find(null)).Fault);
        }
    }

    [Fact]
    public void Read_Throws_WhenTheAuthoritySignedSomethingThatContradictsItself()
    {
        WeightManifest good = Push();
        ManifestPartition one = good.Partitions[1];
        Assert.All(
            [
                good with { Format = 2 },
                good with { Partitions = [.. good.Partitions.Skip(1)] },
                With(one with { ChunkBytes = 0 }),
                With(one with { ChunkBytes = int.MaxValue }),
                With(one with { PlainBytes = -1 }),
                With(one with { PlainBytes = one.PlainBytes + 1 }),
                With(one with { SealedBytes = 5 }),
                With(one with { Blob = "../../etc/passwd" }),
                With(one with { PlainHash = one.PlainHash.ToUpperInvariant() }),
                good with { Model = good.Model with { Partitions = [.. good.Model.Partitions.Reverse()] } },
            ],
            bad => Assert.Equal(ClusterFault.BadRegistry, Assert.Throws<ClusterException>(() => WeightManifest.Open(bad.Sign(_authority.Certificate), _authority.Certificate, "it")).Fault));

        WeightManifest With(ManifestPartition changed) => good with { Partitions = [good.Partitions[0], changed, .. good.Partitions.Skip(2)] };
    }

    [Fact]
    public void Verify_NamesEveryDamagedPart()
    {
        WeightManifest manifest = Push();
        string Blob(int i) => Path.Combine(_folder.Path, "blobs", manifest.Partitions[i].Blob[..2], manifest.Partitions[i].Blob);
        File.Delete(Blob(1));
        Change(Blob(2), bytes => bytes[40] ^= 1);
        File.WriteAllBytes(Blob(3), File.ReadAllBytes(Blob(3))[..^1]);
        File.Copy(Blob(5), Blob(4), overwrite: true);

        (string Partition, string? Fault)[] shallow = [.. _registry.Verify(manifest, Cancel)];
        (string Partition, string? Fault)[] deep = [.. _publisher.Verify(manifest, Cancel)];
        Assert.Equal(["layer-0", "layer-1", "layer-2", "layer-3"], shallow.Where(check => check.Fault is not null).Select(check => check.Partition));
        Assert.Equal(shallow.Select(check => (check.Partition, check.Fault is null)), deep.Select(check => (check.Partition, check.Fault is null)));
        Assert.Contains("missing", shallow[1].Fault);
        Assert.Contains("chunk 0", deep[2].Fault);
        Assert.Contains("bytes instead of", shallow[3].Fault);
    }

    [Fact]
    public void Push_GoesOnWhereItWas_WhenItWasBrokenOff()
    {
        using var stop = new CancellationTokenSource();
        List<string> written = [];
        Assert.Throws<OperationCanceledException>(() => _publisher.Push(_model, DateTimeOffset.UtcNow, (part, wasThere) =>
        {
            Assert.False(wasThere);
            written.Add(part.Name);
            if (written.Count == 4)
            {
                stop.Cancel();
            }
        }, stop.Token));
        Assert.Empty(_registry.List());

        // One of the parts that the broken push left was damaged since.
        string blob = Directory.GetFiles(Path.Combine(_folder.Path, "blobs"), "*", SearchOption.AllDirectories)[0];
        Change(blob, bytes => bytes[50] ^= 1);

        Dictionary<string, bool> parts = [];
        WeightManifest manifest = _publisher.Push(_model, DateTimeOffset.UtcNow, (part, wasThere) => parts[part.Name] = wasThere, Cancel);
        Assert.Equal(3, parts.Count(part => part.Value));
        Assert.Equal(written.Count, parts.Keys.Take(4).Intersect(written).Count());
        Assert.All(_publisher.Verify(manifest, Cancel), check => Assert.Null(check.Fault));
        Assert.Empty(Directory.GetFiles(Path.Combine(_folder.Path, "pushes")));
        Assert.Empty(Directory.GetFiles(Path.Combine(_folder.Path, "drafts")));

        // The same model again: nothing is written but the manifest; another registry secret gives other bytes.
        _publisher.Push(_model, DateTimeOffset.UtcNow, (_, wasThere) => Assert.True(wasThere), Cancel);
        var others = new WeightPublisher(_registry, _authority, new RegistrySecret(new byte[32]));
        Assert.Empty(others.Push(_model, DateTimeOffset.UtcNow, (_, wasThere) => Assert.False(wasThere), Cancel).Partitions.Select(p => p.Blob).Intersect(manifest.Partitions.Select(p => p.Blob)));
    }

    [Fact]
    public void Load_Throws_WhenTheBlobOfAGrantedLayerIsDamaged_OrTheGrantIs()
    {
        WeightManifest manifest = Push();
        _publisher.Grant(manifest, Worker, _key.PublicText, new LayerRange(0, 2));
        using ModelFile opened = _registry.OpenModel(manifest, _key);
        ManifestPartition entry = manifest.Partitions[1];
        Change(Path.Combine(_folder.Path, "blobs", entry.Blob[..2], entry.Blob), bytes => bytes[^1] ^= 1);
        ClusterException e = Assert.Throws<ClusterException>(() => opened.Load(WeightSelection.LayersOnly(new LayerRange(0, 1))));
        Assert.Equal(ClusterFault.BadRegistry, e.Fault);
        Assert.Contains("layer-0", e.Message);

        string grants = Assert.Single(Directory.GetFiles(Path.Combine(_folder.Path, "grants"), "*", SearchOption.AllDirectories));
        string text = File.ReadAllText(grants);
        foreach (string damaged in (string[])[text[..^1], "null", "{}", text.Replace("\":\"B", "\":\"C", StringComparison.Ordinal)])
        {
            File.WriteAllText(grants, damaged);
            Assert.Equal(ClusterFault.BadRegistry, Assert.Throws<ClusterException>(() => opened.Load(WeightSelection.LayersOnly(new LayerRange(1, 2)))).Fault);
        }
    }

    [Theory]
    [InlineData("")]
    [InlineData("no base64!")]
    [InlineData("MIIB")]
    public void Grant_Throws_WhenTheKeyIsNone(string key) =>
        Assert.Equal(ClusterFault.Protocol, Assert.Throws<ClusterException>(() => _publisher.Grant(Push(), Worker, key, new LayerRange(0, 1))).Fault);

    [Fact]
    public void Grant_Throws_WhenTheKeyIsOnAnotherCurve_OrTheLayersAreNone()
    {
        WeightManifest manifest = Push();
        using var other = ECDiffieHellman.Create(ECCurve.NamedCurves.brainpoolP256r1);
        string key = Convert.ToBase64String(other.PublicKey.ExportSubjectPublicKeyInfo());
        Assert.Equal(ClusterFault.Protocol, Assert.Throws<ClusterException>(() => _publisher.Grant(manifest, Worker, key, new LayerRange(0, 1))).Fault);
        Assert.Equal(ClusterFault.Protocol, Assert.Throws<ClusterException>(() => _publisher.Grant(manifest, Worker, _key.PublicText, new LayerRange(7, 9))).Fault);
    }

    [Fact]
    public void Find_SaysWhich_WhenThereIsNoneOrMoreThanOne()
    {
        Assert.Contains("model push", Assert.Throws<ClusterException>(() => _registry.Find(null)).Message);
        Push();
        using ModelFile second = ModelFile.Open(TestData.ModelPath("roadside-1.6m-f16.gguf"));
        _publisher.Push(second, DateTimeOffset.UtcNow, (_, _) => { }, Cancel);
        Assert.Contains("several", Assert.Throws<ClusterException>(() => _registry.Find(null)).Message);
        Assert.Equal(second.Fingerprint.Value, _registry.Find(second.Fingerprint.Value[..8]).Model.Fingerprint);
        Assert.Throws<ClusterException>(() => _registry.Find("unknown"));
    }

    [Fact]
    public void Write_KeepsNothing_WhenItFails()
    {
        var storage = new FolderStorage(_folder.Path);
        Assert.Equal(ClusterFault.BadRegistry, Assert.Throws<ClusterException>(() => storage.Write(stream =>
        {
            stream.WriteByte(1);
            throw new IOException("No space left on device");
        })).Fault);
        Assert.Empty(Directory.GetFiles(_folder.Path, "*", SearchOption.AllDirectories));
        Assert.All((string[])["../x", "a/../../x", "/x", "a//b", "A", "a/.x", ""], name => Assert.Throws<ClusterException>(() => storage.Write(_ => name)));
        Assert.Empty(Directory.GetFiles(_folder.Path, "*", SearchOption.AllDirectories));
    }

    [Fact]
    public void Write_SaysWhatToDo_WhenTheDiskIsFull()
    {
        Assert.SkipUnless(Directory.Exists("/proc/self"), "skipped: no /dev/full");
        using var full = new FileStream("/dev/full", FileMode.Open, FileAccess.Write, FileShare.None, bufferSize: 0);
        var storage = new FolderStorage(_folder.Path);
        ClusterException e = Assert.Throws<ClusterException>(() => storage.Write(_ =>
        {
            using var sealing = new SealingStream(full, new byte[32], 10);
            return "never";
        }));
        Assert.Contains("Make room", e.Message);
    }

    private static void Change(string path, Action<byte[]> change)
    {
        byte[] bytes = File.ReadAllBytes(path);
        change(bytes);
        File.WriteAllBytes(path, bytes);
    }

    private WeightManifest Push() => _publisher.Push(_model, DateTimeOffset.UtcNow, (_, _) => { }, Cancel);
}
