using System.Text.RegularExpressions;
using NativeSplit.Testing;

namespace NativeSplit.Architecture.Tests;

/// <summary>Documents lead where they say.</summary>
public sealed partial class DocumentTests
{
    public static TheoryData<string> Documents => [.. Directory.EnumerateFiles(TestData.RepositoryRoot, "*.md", SearchOption.TopDirectoryOnly)
        .Concat(Directory.EnumerateFiles(Path.Combine(TestData.RepositoryRoot, "docs"), "*.md", SearchOption.AllDirectories))
        .Select(path => Path.GetRelativePath(TestData.RepositoryRoot, path))];

    [Theory]
    [MemberData(nameof(Documents))]
    public void Links_LeadToFilesThatExist(string document)
    {
        string path = Path.Combine(TestData.RepositoryRoot, document);
        IEnumerable<string> targets = RelativeLink().Matches(File.ReadAllText(path)).Select(match => match.Groups[1].Value)
            .Where(target => !target.Contains("://", StringComparison.Ordinal));
        Assert.All(targets, target => Assert.True(Path.Exists(Path.Combine(Path.GetDirectoryName(path)!, target)), $"{document} links to {target}, which isn't there."));
    }

    [GeneratedRegex(@"\]\(([^)#\s]+)")]
    private static partial Regex RelativeLink();
}
