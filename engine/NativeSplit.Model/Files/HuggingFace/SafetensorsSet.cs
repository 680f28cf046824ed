using System.Security.Cryptography;
using System.Text.Json;
using NativeSplit.Model.Architectures;
using NativeSplit.Model.Weights;

namespace NativeSplit.Model.Files.HuggingFace;

/// <summary>The safetensors files of a directory: one, or shards listed in <c>model.safetensors.index.json</c>. Of both, the one counts.</summary>
/// <param name="Parts">The files.</param>
/// <param name="Tensors">Every tensor, by file and position.</param>
internal sealed record SafetensorsSet(IReadOnlyList<WeightPart> Parts, IReadOnlyList<StoredTensor> Tensors)
{
    private const string SingleName = "model.safetensors";
    private const string IndexName = "model.safetensors.index.json";

    /// <summary>Reads the headers.</summary>
    /// <param name="directory">The directory.</param>
    /// <param name="layerCount">Layers of the model.</param>
    /// <param name="hash">Takes in the headers' bytes, in the order of the files' names.</param>
    /// <exception cref="ModelException">A file is missing or damaged, or the index names a file outside the directory.</exception>
    public static SafetensorsSet Open(string directory, int layerCount, IncrementalHash hash)
    {
        string single = Path.Combine(directory, SingleName);
        if (File.Exists(single))
        {
            return OpenShards(directory, owners: null, single, layerCount, hash);
        }

        if (JsonSection.ReadFile(Path.Combine(directory, IndexName)) is { } index)
        {
            return OpenShards(directory, ReadIndex(index), index.Source, layerCount, hash);
        }

        string found = Directory.EnumerateFiles(directory, "*.bin").Any()
            ? "; it has PyTorch files (*.bin), which must be converted to safetensors"
            : string.Empty;
        throw new ModelException(ModelFault.NotFound, $"{directory} has neither {SingleName} nor {IndexName}{found}. Download the model's safetensors files.");
    }

    private static Dictionary<string, string> ReadIndex(JsonSection index)
    {
        var map = index.Section("weight_map")
            ?? throw new ModelException(ModelFault.Corrupt, $"{index.Source}: 'weight_map' is missing. Download the file again.");
        var owners = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var entry in map.Properties)
        {
            string? shard = entry.Value.ValueKind == JsonValueKind.String ? map.String(entry.Name) : null;
            if (shard is null || !IsPlainName(shard))
            {
                throw new ModelException(
                    ModelFault.Corrupt, $"{index.Source}: tensor '{entry.Name}' is said to be in '{entry.Value}', expected the name of a .safetensors file in the same directory. Don't use this model unless you trust where it comes from.");
            }

            owners.Add(entry.Name, shard);
        }

        return owners;
    }

    private static bool IsPlainName(string shard) =>
        shard.EndsWith(".safetensors", StringComparison.Ordinal) && !shard.StartsWith('.') && shard.AsSpan().IndexOfAny("/\\:\0") < 0;

    private static SafetensorsSet OpenShards(
        string directory, Dictionary<string, string>? owners, string source, int layerCount, IncrementalHash hash)
    {
        string[] names = owners is null ? [SingleName] : [.. owners.Values.Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)];
        var parts = new List<WeightPart>();
        var tensors = new List<StoredTensor>();
        foreach (string name in names)
        {
            string path = Path.Combine(directory, name);
            if (!File.Exists(path))
            {
                throw new ModelException(ModelFault.NotFound, $"{path} is missing, which {source} names. Download it into the same directory.");
            }

            var header = SafetensorsHeader.Read(path, hash, out long length);
            var owned = header.Where(tensor => owners is null || (owners.TryGetValue(tensor.Name, out string? owner) && owner == name));
            tensors.AddRange(owned.OrderBy(tensor => tensor.Offset).Select(tensor => Store(tensor, parts.Count, layerCount)));
            parts.Add(new(path, length, Alignment: 1));
        }

        RequireAll(owners, tensors, source);
        return new(parts, tensors);
    }

    private static void RequireAll(Dictionary<string, string>? owners, List<StoredTensor> tensors, string source)
    {
        if (owners is null || owners.Count == tensors.Count)
        {
            return;
        }

        var present = tensors.Select(tensor => tensor.Info.Name).ToHashSet(StringComparer.Ordinal);
        string missing = owners.Keys.First(name => !present.Contains(name));
        throw new ModelException(
            ModelFault.Corrupt, $"{source} says that tensor '{missing}' is in {owners[missing]}, where it isn't. The files don't belong together; download the model again.");
    }

    private static StoredTensor Store(SafetensorsTensor tensor, int part, int layerCount) => new(
        new(tensor.Name, tensor.TypeName, tensor.Shape, tensor.ByteLength, TensorNaming.HuggingFace.LayerOf(tensor.Name, layerCount)),
        StoredTensor.TypeOf(tensor.TypeName),
        part,
        tensor.Offset);
}
