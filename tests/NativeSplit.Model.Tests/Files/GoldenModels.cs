using System.Globalization;
using System.Text.RegularExpressions;
using NativeSplit.Testing;

namespace NativeSplit.Model.Tests.Files;

/// <summary>What the golden pack's README says about one model.</summary>
/// <param name="Name">File name without extension.</param>
/// <param name="Architecture">Architecture.</param>
/// <param name="Type">Weight type or mixture.</param>
public sealed partial record GoldenShape(string Name, string Architecture, string Type, int Layers, int Hidden, int Heads, int KeyValueHeads, int HeadSize, int FeedForward)
{
    /// <summary>Every model of the README's table.</summary>
    public static IEnumerable<GoldenShape> All => Row().Matches(File.ReadAllText(TestData.PathOf("golden", "README.md"))).Select(Parse);

    /// <summary>Names of those that are in the repository.</summary>
    public static IEnumerable<TheoryDataRow<string>> PresentNames =>
        All.Where(model => File.Exists(PathOf(model.Name))).Select(model => new TheoryDataRow<string>(model.Name));

    /// <summary>The model of a name.</summary>
    public static GoldenShape Of(string name) => All.Single(model => model.Name == name);

    /// <summary>Its file.</summary>
    public static string PathOf(string name) => TestData.PathOf("golden", "models", name + ".gguf");

    private static GoldenShape Parse(Match match)
    {
        return new(
            match.Groups[1].Value, match.Groups[2].Value, match.Groups[3].Value, Number(4), Number(5), Number(6), Number(7), Number(8), Number(9));

        int Number(int group) => int.Parse(match.Groups[group].ValueSpan, CultureInfo.InvariantCulture);
    }

    [GeneratedRegex(@"^\| ([\w-]+) \| (\w+) \| (\w+) \| \d+ \| (\d+)×(\d+), (\d+)/(\d+) heads of (\d+), ffn (\d+) \|", RegexOptions.Multiline)]
    private static partial Regex Row();
}
