using System.CommandLine;

namespace NativeSplit.Host.Composition;

/// <summary>Options that several verbs share, so that they read the same everywhere.</summary>
internal static class CommonArguments
{
    public static Option<string?> Model() => new("--model", "-m")
    {
        Description = "GGUF file (or one part of a split set), or a Hugging Face folder. Default: the small model that ships with the program.",
        HelpName = "PATH",
    };

    public static Option<int?> Context() => new("--context")
    {
        Description = "Positions of KV cache for one text. Default: the model's context, at most 4096.",
        HelpName = "N",
    };

    public static Option<bool> Json() => new("--json") { Description = "Print JSON instead of text for people." };

    /// <summary>Checked context length.</summary>
    public static int ContextOf(int? asked, int modelContext) => asked switch
    {
        null => Math.Min(modelContext, 4096),
        < 1 => throw new UsageException($"--context {asked} must be 1 or more."),
        int context when context > modelContext => throw new UsageException($"--context {context} is more than the model's {modelContext} positions."),
        int context => context,
    };
}
