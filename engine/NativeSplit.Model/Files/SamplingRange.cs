namespace NativeSplit.Model.Files;

/// <summary>Judges sampling settings that come with a model.</summary>
internal static class SamplingRange
{
    /// <summary>Requires a finite number that isn't negative.</summary>
    /// <exception cref="ModelException">It is another.</exception>
    public static float Require(float value, string source, string key) => value >= 0 && float.IsFinite(value)
        ? value
        : throw new ModelException(ModelFault.Corrupt, $"{source}: '{key}' is {value}, expected a finite number from 0. Correct or remove it.");
}
