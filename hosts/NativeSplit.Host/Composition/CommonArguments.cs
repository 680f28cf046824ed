using System.CommandLine;

namespace NativeSplit.Host.Composition;

/// <summary>Options that several verbs share, so that they read the same everywhere.</summary>
internal static class CommonArguments
{
    public static Option<string?> Model() => NotEmpty(new Option<string?>("--model", "-m")
    {
        Description = "GGUF file (or one part of a split set), or a Hugging Face folder. Default: the small model that ships with the program.",
        HelpName = "PATH",
    });

    /// <summary>A text on the command line. What looks like an option is taken for a mistyped one, not for a text.</summary>
    public static Argument<string?> Text(string name, string description, bool required)
    {
        var text = new Argument<string?>(name) { Description = description, Arity = required ? ArgumentArity.ExactlyOne : ArgumentArity.ZeroOrOne };
        text.Validators.Add(result =>
        {
            string? value = result.Tokens.Count > 0 ? result.Tokens[0].Value : null;
            if (value is { Length: > 1 } && value[0] == '-')
            {
                result.AddError($"'{value}' isn't an option of this verb (see --help). If it is your text, give '-' and pass the text on standard input.");
            }
        });
        return text;
    }

    /// <summary>Refuses an empty path: an unset variable in a script, most often.</summary>
    public static Option<string?> NotEmpty(Option<string?> option)
    {
        option.Validators.Add(result =>
        {
            if (result.Tokens.Count > 0 && string.IsNullOrWhiteSpace(result.Tokens[0].Value))
            {
                result.AddError($"{option.Name} is empty; give a path, or leave it out.");
            }
        });
        return option;
    }

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
