using System.Globalization;
using NativeSplit.Placement;
using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace NativeSplit.Host.Planning;

/// <summary>A mapping of a YAML file, whose keys must all be known. Every complaint names the file, the line and the way out.</summary>
internal sealed class YamlReader
{
    private const int MaxBytes = 1 << 20;

    private readonly string _file;
    private readonly YamlMappingNode _node;

    private YamlReader(string file, YamlMappingNode node, string[] keys)
    {
        (_file, _node) = (file, node);
        foreach (YamlNode key in node.Children.Keys)
        {
            if (!keys.Contains(key.ToString()))
            {
                throw Fault(key, $"unknown key '{key}'; known here are {string.Join(", ", keys)}");
            }
        }
    }

    /// <summary>Opens a file whose root is a mapping.</summary>
    /// <exception cref="PlanException">The file can't be read or isn't such YAML.</exception>
    public static YamlReader Open(string file, params string[] keys)
    {
        string text;
        try
        {
            text = new FileInfo(file).Length <= MaxBytes ? File.ReadAllText(file)
                : throw new PlanException(PlanFault.Malformed, $"{file} is larger than {MaxBytes} bytes; a cluster file isn't.");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new PlanException(PlanFault.Unreadable, $"The cluster file can't be read: {e.Message}", e);
        }

        YamlStream stream = new();
        try
        {
            stream.Load(new StringReader(text));
        }
        catch (YamlException e)
        {
            throw new PlanException(PlanFault.Malformed, $"{file}:{e.Start.Line}: this isn't YAML: {e.Message}", e);
        }

        return stream.Documents is [{ RootNode: YamlMappingNode root }] ? new YamlReader(file, root, keys)
            : throw new PlanException(PlanFault.Malformed, $"{file}:1: expected one mapping with the keys {string.Join(", ", keys)}.");
    }

    public bool Has(string key) => Find(key) is not null;

    public string Text(string key) => Scalar(Required(key), key).Value ?? string.Empty;

    public T OneOf<T>(string key, T otherwise, params (string Word, T Value)[] known)
    {
        if (Find(key) is not { } node)
        {
            return otherwise;
        }

        foreach ((string word, T value) in known)
        {
            if (Scalar(node, key).Value == word)
            {
                return value;
            }
        }

        throw Fault(node, $"'{key}' is '{node}'; it must be one of {string.Join(", ", known.Select(k => k.Word))}");
    }

    public long Whole(string key, long? otherwise = null)
    {
        if (otherwise is { } value && !Has(key))
        {
            return value;
        }

        YamlNode node = Required(key);
        return long.TryParse(Scalar(node, key).Value, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long number) && number >= 0
            ? number
            : throw Fault(node, $"'{key}' is '{node}'; it must be a whole number from 0");
    }

    /// <summary>A number with its unit, as "2.5 ms", in the least of the units.</summary>
    public long Amount(string key, Units units, long? otherwise = null)
    {
        if (otherwise is { } value && !Has(key))
        {
            return value;
        }

        YamlNode node = Required(key);
        return units.TryParse(Scalar(node, key).Value ?? string.Empty, out long amount) ? amount
            : throw Fault(node, $"'{key}' is '{node}'; it must be a number from 0 with a unit of {units.Names}, as '{units.Example}'");
    }

    public NodeId Node(string key)
    {
        YamlNode node = Required(key);
        string name = Scalar(node, key).Value ?? string.Empty;
        return NodeId.IsValid(name) ? new NodeId(name) : throw Fault(node, $"'{key}' is '{name}'; a node name has 1 to 63 of a-z, 0-9 and '-'");
    }

    public YamlReader Map(string key, params string[] keys) => Required(key) is YamlMappingNode map ? new YamlReader(_file, map, keys)
        : throw Fault(Required(key), $"'{key}' must be a mapping with the keys {string.Join(", ", keys)}");

    public IReadOnlyList<YamlReader> List(string key, params string[] keys)
    {
        if (Required(key) is not YamlSequenceNode list)
        {
            throw Fault(Required(key), $"'{key}' must be a list");
        }

        return [.. list.Children.Select(child => child is YamlMappingNode map ? new YamlReader(_file, map, keys)
            : throw Fault(child, $"an item of '{key}' must be a mapping with the keys {string.Join(", ", keys)}"))];
    }

    /// <summary>A complaint about a key of this mapping, or about the mapping itself.</summary>
    public PlanException Fault(string key, string what) => Fault(Find(key) ?? _node, what);

    private PlanException Fault(YamlNode node, string what) => new(PlanFault.Malformed, $"{_file}:{node.Start.Line}: {what}.");

    private YamlNode? Find(string key) => _node.Children.TryGetValue(new YamlScalarNode(key), out YamlNode? node) ? node : null;

    private YamlNode Required(string key) => Find(key) ?? throw Fault(_node, $"'{key}' is missing");

    private YamlScalarNode Scalar(YamlNode node, string key) => node as YamlScalarNode ?? throw Fault(node, $"'{key}' must be a single value");
}
