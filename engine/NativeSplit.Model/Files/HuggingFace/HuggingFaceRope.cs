using NativeSplit.Model.Architectures;

namespace NativeSplit.Model.Files.HuggingFace;

/// <summary>Reads the rotary embedding of a Hugging Face configuration.</summary>
/// <remarks>
/// Transformers 5 puts <c>rope_theta</c> and the scaling into <c>rope_parameters</c>; before, <c>rope_theta</c> stood
/// alone and the scaling in <c>rope_scaling</c>, its type first in <c>type</c>, later in <c>rope_type</c>.
/// </remarks>
internal static class HuggingFaceRope
{
    /// <summary>Reads the parameters.</summary>
    /// <param name="config">Content of <c>config.json</c>.</param>
    /// <param name="headSize">Elements of a head.</param>
    /// <exception cref="ModelException">The kind of scaling isn't supported, or a number is missing or absurd.</exception>
    public static RopeParameters Read(JsonSection config, int headSize)
    {
        var scaling = config.Section("rope_parameters") ?? config.Section("rope_scaling");
        double share = config.Number("partial_rotary_factor") ?? scaling?.Number("partial_rotary_factor") ?? 1;
        if (!(share > 0 && share <= 1))
        {
            throw new ModelException(ModelFault.Corrupt, $"{config.Source}: 'partial_rotary_factor' is {share}, expected a number above 0 up to 1. Download the file again.");
        }

        int dimensions = (int)(headSize * share);
        double frequencyBase = scaling?.Number("rope_theta") ?? config.Number("rope_theta") ?? 10000;
        return new()
        {
            Layout = RopeLayout.Halves,
            Dimensions = dimensions,
            FrequencyBase = frequencyBase,
            FrequencyDivisors = scaling is null ? [] : ReadDivisors(scaling, frequencyBase, dimensions),
        };
    }

    private static float[] ReadDivisors(JsonSection scaling, double frequencyBase, int dimensions)
    {
        string type = scaling.String("rope_type") ?? scaling.String("type") ?? "default";
        return type switch
        {
            "default" => [],
            "linear" => RopeScaling.Linear(RequirePositive(scaling, "factor"), dimensions),
            "llama3" => RopeScaling.Llama3(
                frequencyBase,
                dimensions,
                RequirePositive(scaling, "factor"),
                RequirePositive(scaling, "low_freq_factor"),
                RequirePositive(scaling, "high_freq_factor"),
                RequirePositive(scaling, "original_max_position_embeddings")),
            _ => throw new ModelException(
                ModelFault.Unsupported, $"{scaling.Source}: rope scaling '{type}' isn't supported; 'linear' and 'llama3' are. Where the model was trained without it, remove 'rope_scaling' from config.json to use it with its original context."),
        };
    }

    private static double RequirePositive(JsonSection scaling, string key) => scaling.Number(key) switch
    {
        { } value and > 0 => value,
        null => throw new ModelException(ModelFault.Corrupt, $"{scaling.Source}: the rope scaling has no '{key}'. Download the file again."),
        { } value => throw new ModelException(ModelFault.Corrupt, $"{scaling.Source}: the rope scaling's '{key}' is {value}, expected a number above 0. Download the file again."),
    };
}
