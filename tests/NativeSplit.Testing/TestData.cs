using Xunit;

namespace NativeSplit.Testing;

/// <summary>Files the tests read: the repository's <c>tests/data</c> and <c>models</c>.</summary>
public static class TestData
{
    private static readonly Lazy<string> Root = new(FindRoot);

    /// <summary>Folder that holds <c>NativeSplit.sln</c>.</summary>
    public static string RepositoryRoot => Root.Value;

    /// <summary>A file or folder under <c>tests/data</c>.</summary>
    public static string PathOf(params ReadOnlySpan<string> parts) => Path.Combine([RepositoryRoot, "tests", "data", .. parts]);

    /// <summary>A file under <c>models</c>.</summary>
    public static string ModelPath(string fileName) => Path.Combine(RepositoryRoot, "models", fileName);

    /// <summary>
    /// A file or folder that may be read beside the repository but not kept in it (vocabularies and vectors under other licences).
    /// Skips the running test when it isn't there.
    /// </summary>
    public static string SharedPathOrSkip(params ReadOnlySpan<string> parts)
    {
        string path = Path.Combine([RepositoryRoot, "..", "shared", .. parts]);
        Assert.SkipUnless(Path.Exists(path), $"skipped: {string.Join('/', parts)} isn't beside the repository");
        return path;
    }

    private static string FindRoot()
    {
        for (DirectoryInfo? folder = new(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "NativeSplit.sln")))
            {
                return folder.FullName;
            }
        }

        throw new DirectoryNotFoundException($"No NativeSplit.sln above {AppContext.BaseDirectory}.");
    }
}
