namespace NativeSplit.Host.Composition;

/// <summary>The small model that ships with the program, for a first try.</summary>
internal static class DefaultModel
{
    private const string FileName = "roadside-1.6m-q8_0.gguf";

    /// <summary>A prompt in the model's own world.</summary>
    public const string Prompt = "At 07:42 a camera reports a stopped truck on highway A7 northbound near kilometre 128. The right lane is blocked. It is raining. Nobody is hurt.";

    /// <summary>The model to use: the one named, else the shipped one, which is said.</summary>
    /// <param name="named">Path from the command line, or null.</param>
    public static string Resolve(string? named)
    {
        if (named is not null)
        {
            return named;
        }

        string shipped = Path.Combine(AppContext.BaseDirectory, "models", FileName);
        if (!File.Exists(shipped))
        {
            throw new UsageException($"No --model was named, and the shipped model isn't at {shipped}. Name a GGUF file or a Hugging Face folder with --model.");
        }

        Console.Error.WriteLine($"No --model named: using the shipped {FileName} (a very small model of road incident reports; see models/roadside-1.6m.md).");
        return shipped;
    }
}
