using System.Text.RegularExpressions;
using NativeSplit.Testing;

namespace NativeSplit.Architecture.Tests;

/// <summary>What no file of the repository may say.</summary>
public sealed partial class TextTests
{
    private static readonly string[] Extensions = [".cs", ".md", ".sh", ".csproj", ".props", ".json", ".yml", ".mjs"];

    [Fact]
    public void Source_HoldsNoUnfinishedWork() => Assert.Empty(FilesThat(UnfinishedWork(), [".cs"]));

    [Fact]
    public void Files_NameNoHomeFolder() => Assert.Empty(FilesThat(HomeFolder(), Extensions));

    [Fact]
    public void SourceFiles_StayReadable() =>
        Assert.All(Files([".cs"]), path => Assert.InRange(File.ReadLines(path).Count(), 1, 500));

    private static IEnumerable<string> FilesThat(Regex match, string[] extensions) =>
        Files(extensions).Where(path => !path.EndsWith("TextTests.cs", StringComparison.Ordinal)).Where(path => match.IsMatch(File.ReadAllText(path)));

    private static IEnumerable<string> Files(string[] extensions) =>
        Directory.EnumerateFiles(TestData.RepositoryRoot, "*", SearchOption.AllDirectories)
            .Where(path => extensions.Contains(Path.GetExtension(path)))
            .Where(path => !path.Contains("/obj/", StringComparison.Ordinal) && !path.Contains("/bin/", StringComparison.Ordinal) && !path.Contains("/.git/", StringComparison.Ordinal));

    [GeneratedRegex("NotImplementedException|\\bTODO\\b|\\bFIXME\\b|\\bHACK\\b")]
    private static partial Regex UnfinishedWork();

    [GeneratedRegex("/home/[a-z]|/root/|C:\\\\Users")]
    private static partial Regex HomeFolder();
}
