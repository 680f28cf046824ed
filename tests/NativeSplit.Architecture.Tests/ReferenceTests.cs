using System.Xml.Linq;
using NativeSplit.Testing;

namespace NativeSplit.Architecture.Tests;

/// <summary>The doors between rooms (docs/architecture.md): who may reference whom, read from the project files.</summary>
public sealed class ReferenceTests
{
    private static readonly string[] Rooms = ["kernels", "engine", "solver", "transport", "hosts"];

    // Measures the rooms, so it may look into any of them; no row of the table lets a room look back.
    private const string Perf = "perf";

    private static readonly Dictionary<string, string[]> Allowed = new()
    {
        ["Kernels"] = [],
        ["Kernels.Ilgpu"] = ["Kernels"],
        ["Jinja"] = [],
        ["Transport"] = [],
        ["Model"] = ["Kernels", "Jinja"],
        ["Engine"] = ["Model", "Kernels"],
        ["Engine.Ilgpu"] = ["Engine", "Model", "Kernels", "Kernels.Ilgpu"],
        ["Placement"] = ["Model"],
        ["Placement.Z3"] = ["Placement"],
        ["Cluster"] = ["Engine", "Model", "Placement", "Transport"],
        ["Gateway"] = ["Cluster", "Engine", "Model", "Kernels", "Placement", "Transport"],
        ["Worker"] = ["Cluster", "Engine", "Model", "Kernels", "Placement", "Transport"],
        ["Orchestrator"] = ["Cluster", "Engine", "Model", "Kernels", "Placement", "Transport"],
        ["Host"] = ["Gateway", "Worker", "Orchestrator", "Cluster", "Engine", "Engine.Ilgpu", "Model", "Kernels", "Kernels.Ilgpu", "Placement", "Placement.Z3", "Transport"],
    };

    public static TheoryData<string> ProductProjects => [.. Rooms.SelectMany(ProjectsIn).Order(StringComparer.Ordinal)];

    [Theory]
    [MemberData(nameof(ProductProjects))]
    public void Project_ReferencesOnlyAllowedRooms(string project)
    {
        string name = ShortName(project);
        Assert.True(Allowed.TryGetValue(name, out string[]? allowed), $"{project} has no row in the table of doors: add one here and in docs/architecture.md.");
        Assert.Empty(ReferencesOf(project).Except(allowed!));
    }

    [Fact]
    public void PerfProjects_ReferenceOnlyWhatIsInTheTable_OrEachOther()
    {
        string[] projects = ProjectsIn(Perf);
        Assert.NotEmpty(projects);
        Assert.All(projects, project => Assert.Empty(ReferencesOf(project).Except(Allowed.Keys).Except(projects.Select(ShortName))));
    }

    [Fact]
    public void ProjectFolders_HoldEveryRow_OfTheTable() =>
        Assert.Empty(Allowed.Keys.Except(ProductProjects.Select(row => ShortName((string)row.Data))));

    [Fact]
    public void Solution_HoldsEveryProject()
    {
        string solution = File.ReadAllText(Path.Combine(TestData.RepositoryRoot, "NativeSplit.sln"));
        IEnumerable<string> all = Directory.EnumerateFiles(TestData.RepositoryRoot, "*.csproj", SearchOption.AllDirectories).Select(Path.GetFileNameWithoutExtension)!;
        Assert.All(all, project => Assert.Contains($"\"{project}\"", solution));
    }

    [Fact]
    public void Engine_KnowsNoLink_AndTransportNoTensor()
    {
        Assert.DoesNotContain("NativeSplit.Transport", SourceOf("engine"));
        Assert.DoesNotContain("NativeSplit.Cluster", SourceOf("engine"));
        Assert.DoesNotContain("System.Net", SourceOf("engine"));
        Assert.DoesNotContain("NativeSplit.Engine", SourceOf("transport"));
        Assert.DoesNotContain("NativeSplit.Model", SourceOf("transport"));
        Assert.DoesNotContain("System.Net", SourceOf("solver"));
        Assert.DoesNotContain("DateTime", SourceOf("solver"));
    }

    [Fact]
    public void Pointers_AppearOnlyInKernels_AndInterop()
    {
        IEnumerable<string> unsafeFiles = Rooms.Append(Perf).Where(room => room != "kernels")
            .SelectMany(room => SourceFiles(room))
            .Where(path => !path.Contains("/Interop/", StringComparison.Ordinal))
            .Where(path => File.ReadLines(path).Any(line => line.Contains("unsafe ", StringComparison.Ordinal) && !line.TrimStart().StartsWith('/')));
        Assert.Empty(unsafeFiles);
    }

    private static string[] ProjectsIn(string room)
    {
        string folder = Path.Combine(TestData.RepositoryRoot, room);
        return Directory.Exists(folder)
            ? [.. Directory.EnumerateFiles(folder, "*.csproj", SearchOption.AllDirectories).Select(path => Path.GetRelativePath(TestData.RepositoryRoot, path))]
            : [];
    }

    private static string ShortName(string project) => Path.GetFileNameWithoutExtension(project)["NativeSplit.".Length..];

    private static IEnumerable<string> ReferencesOf(string project) =>
        XDocument.Load(Path.Combine(TestData.RepositoryRoot, project)).Descendants("ProjectReference")
            .Select(reference => ShortName(reference.Attribute("Include")!.Value.Replace('\\', '/')));

    private static string SourceOf(string room) => string.Join('\n', SourceFiles(room).Select(File.ReadAllText));

    private static IEnumerable<string> SourceFiles(string room)
    {
        string root = Path.Combine(TestData.RepositoryRoot, room);
        return Directory.Exists(root)
            ? Directory.EnumerateFiles(root, "*.cs", SearchOption.AllDirectories).Where(path => !path.Contains("/obj/", StringComparison.Ordinal) && !path.Contains("/bin/", StringComparison.Ordinal))
            : [];
    }
}
