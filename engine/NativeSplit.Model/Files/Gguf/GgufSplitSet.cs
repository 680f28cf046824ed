using System.Globalization;
using System.Security.Cryptography;
using System.Text.RegularExpressions;

namespace NativeSplit.Model.Files.Gguf;

/// <summary>The files of one GGUF model: one, or a set named <c>NAME-00001-of-00003.gguf</c> and so on.</summary>
/// <remarks>
/// Every part of a set has the keys <c>split.no</c> (from 0), <c>split.count</c> and <c>split.tensors.count</c> (of all
/// parts together); the first one has the model's metadata, and offsets count within each part.
/// </remarks>
internal sealed partial class GgufSplitSet
{
    private GgufSplitSet(IReadOnlyList<string> paths, IReadOnlyList<GgufDirectory> parts, ModelFingerprint fingerprint)
    {
        Paths = paths;
        Parts = parts;
        Fingerprint = fingerprint;
    }

    /// <summary>Files in order.</summary>
    public IReadOnlyList<string> Paths { get; }

    /// <summary>Directory of each file.</summary>
    public IReadOnlyList<GgufDirectory> Parts { get; }

    /// <summary>SHA-256 over the bytes of the directories, in order.</summary>
    public ModelFingerprint Fingerprint { get; }

    /// <summary>Opens a file, and the rest of the set when it is a part of one.</summary>
    /// <param name="path">The file, or any part of a set.</param>
    /// <exception cref="ModelException">A part is missing, or the parts don't belong together.</exception>
    /// <exception cref="IOException">A file can't be read.</exception>
    public static GgufSplitSet Open(string path)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var named = GgufDirectory.Read(path, hash);
        if (!named.Metadata.TryGetInteger("split.count", out long count) || count <= 1)
        {
            return new([path], [named], Finish(hash));
        }

        hash.GetHashAndReset();
        string[] paths = NameParts(path, count);
        var parts = new GgufDirectory[paths.Length];
        for (int part = 0; part < parts.Length; part++)
        {
            parts[part] = OpenPart(paths[part], part, paths.Length, path, hash);
        }

        RequireWhole(path, parts);
        return new(paths, parts, Finish(hash));
    }

    /// <summary>Name of a model without the ending of a part.</summary>
    public static string NameOf(string path)
    {
        var match = PartName().Match(Path.GetFileName(path));
        return match.Success ? match.Groups["name"].Value : Path.GetFileNameWithoutExtension(path);
    }

    private static string[] NameParts(string path, long count)
    {
        var match = PartName().Match(Path.GetFileName(path));
        if (!match.Success || long.Parse(match.Groups["count"].ValueSpan, CultureInfo.InvariantCulture) != count)
        {
            throw new ModelException(
                ModelFault.NotFound, $"{path} is part of a set of {count} files, but isn't named so; the others can't be found. Name the files NAME-00001-of-{count:D5}.gguf and so on.");
        }

        // A count of five digits: at most 99,999 names.
        string folder = Path.GetDirectoryName(path) ?? string.Empty;
        string[] paths = new string[count];
        for (int part = 0; part < paths.Length; part++)
        {
            paths[part] = Path.Combine(folder, $"{match.Groups["name"].Value}-{part + 1:D5}-of-{count:D5}.gguf");
        }

        return paths;
    }

    private static GgufDirectory OpenPart(string path, int part, int count, string named, IncrementalHash hash)
    {
        if (!File.Exists(path))
        {
            throw new ModelException(
                ModelFault.NotFound, $"{named} is part of a set of {count} files, and {path} is missing. Put all parts into one folder.");
        }

        var directory = GgufDirectory.Read(path, hash);
        bool numbered = directory.Metadata.TryGetInteger("split.no", out long number);
        bool counted = directory.Metadata.TryGetInteger("split.count", out long total);
        if (!numbered || !counted || number != part || total != count)
        {
            string found = numbered && counted ? $"part {number + 1} of {total}" : "no part of a set";
            throw new ModelException(
                ModelFault.Corrupt, $"{path} says it is {found}, its name says part {part + 1} of {count}. The files don't belong together; download the set again.");
        }

        return directory;
    }

    private static void RequireWhole(string path, GgufDirectory[] parts)
    {
        long found = parts.Sum(part => (long)part.Tensors.Count);
        if (parts[0].Metadata.TryGetInteger("split.tensors.count", out long expected) && expected != found)
        {
            throw new ModelException(
                ModelFault.Corrupt, $"{path}: the set has {found} tensors, 'split.tensors.count' says {expected}. The files don't belong together; download the set again.");
        }

        var names = new HashSet<string>(StringComparer.Ordinal);
        if (parts.SelectMany(part => part.Tensors).FirstOrDefault(tensor => !names.Add(tensor.Name)) is { } twice)
        {
            throw new ModelException(
                ModelFault.Corrupt, $"{path}: tensor '{twice.Name}' stands in two parts of the set. The files don't belong together; download the set again.");
        }
    }

    private static ModelFingerprint Finish(IncrementalHash hash) => new(Convert.ToHexStringLower(hash.GetHashAndReset()));

    [GeneratedRegex(@"^(?<name>.+)-(?<part>[0-9]{5})-of-(?<count>[0-9]{5})\.gguf$", RegexOptions.CultureInvariant)]
    private static partial Regex PartName();
}
