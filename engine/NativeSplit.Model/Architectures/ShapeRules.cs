using System.Globalization;

namespace NativeSplit.Model.Architectures;

/// <summary>Judges the numbers of a model's configuration before anything is sized by them.</summary>
internal static class ShapeRules
{
    private const int MaximumLayers = 4096;
    private const int MaximumHeads = 1 << 16;
    private const int MaximumWidth = 1 << 24;
    private const int MaximumVocabulary = 1 << 26;
    private const int MaximumExperts = 1 << 12;
    private const int MaximumContext = 1 << 30;

    /// <summary>Requires a whole number in a range.</summary>
    /// <param name="value">Value from the file.</param>
    /// <param name="source">File, for the message.</param>
    /// <param name="key">Key, for the message.</param>
    /// <param name="maximum">Greatest value that makes sense.</param>
    /// <exception cref="ModelException">It isn't in 1 to <paramref name="maximum"/>.</exception>
    public static int RequirePositive(long value, string source, string key, int maximum) => value >= 1 && value <= maximum
        ? (int)value
        : throw Absurd(source, key, value.ToString(CultureInfo.InvariantCulture), $"1 to {maximum}");

    /// <summary>Requires that the numbers fit one another.</summary>
    /// <param name="shape">The shape, its numbers still unjudged.</param>
    /// <param name="source">File, for messages.</param>
    /// <returns>The shape.</returns>
    /// <exception cref="ModelException">A number is absurd, or two contradict.</exception>
    public static ModelShape Require(ModelShape shape, string source)
    {
        RequirePositive(shape.LayerCount, source, "number of layers", MaximumLayers);
        RequirePositive(shape.HiddenSize, source, "hidden size", MaximumWidth);
        RequirePositive(shape.FeedForwardSize, source, "feed-forward size", MaximumWidth);
        RequirePositive(shape.VocabularySize, source, "vocabulary size", MaximumVocabulary);
        RequirePositive(shape.ContextLength, source, "context length", MaximumContext);
        RequirePositive(shape.HeadCount, source, "number of heads", MaximumHeads);
        RequirePositive(shape.KeyValueHeadCount, source, "number of key-value heads", shape.HeadCount);
        RequirePositive(shape.HeadSize, source, "head size", MaximumWidth / shape.HeadCount);
        if (shape.HeadCount % shape.KeyValueHeadCount != 0)
        {
            throw Absurd(source, "number of key-value heads", $"{shape.KeyValueHeadCount}", $"a divisor of the {shape.HeadCount} heads");
        }

        if (!(shape.NormEpsilon >= 0 && shape.NormEpsilon < 1))
        {
            throw Absurd(source, "norm epsilon", $"{shape.NormEpsilon}", "0 to 1");
        }

        RequireNumbers(shape, source);
        RequireExperts(shape.Experts, source);
        if (!ReferenceEquals(shape.Rope, RopeParameters.None))
        {
            RequireRope(shape, source);
        }

        return shape;
    }

    private static void RequireNumbers(ModelShape shape, string source)
    {
        foreach (var (key, value) in (ReadOnlySpan<(string, float)>)[
            ("soft cap of attention", shape.ScoreSoftCap), ("soft cap of logits", shape.LogitSoftCap), ("scale of attention", shape.ScoreScale)])
        {
            if (!(value >= 0 && float.IsFinite(value)))
            {
                throw Absurd(source, key, $"{value}", "a finite number from 0");
            }
        }

        RequirePositive(shape.Window.Positions, source, "sliding window", int.MaxValue);
    }

    private static void RequireExperts(ExpertShape? experts, string source)
    {
        if (experts is not null)
        {
            RequirePositive(experts.Count, source, "number of experts", MaximumExperts);
            RequirePositive(experts.PerToken, source, "number of experts per token", experts.Count);
            RequirePositive(experts.FeedForwardSize, source, "feed-forward size of an expert", MaximumWidth);
        }
    }

    private static void RequireRope(ModelShape shape, string source)
    {
        var rope = shape.Rope;
        if (rope.Dimensions < 2 || rope.Dimensions > shape.HeadSize || rope.Dimensions % 2 != 0)
        {
            throw Absurd(source, "number of rotated elements", $"{rope.Dimensions}", $"an even number from 2 to the head size {shape.HeadSize}");
        }

        if (!(rope.FrequencyBase >= 1 && double.IsFinite(rope.FrequencyBase)))
        {
            throw Absurd(source, "rope frequency base", $"{rope.FrequencyBase}", "a finite number from 1");
        }

        if (rope.FrequencyDivisors.Count != 0 && rope.FrequencyDivisors.Count != rope.Dimensions / 2)
        {
            throw Absurd(source, "number of rope frequency divisors", $"{rope.FrequencyDivisors.Count}", $"{rope.Dimensions / 2}");
        }

        foreach (float divisor in rope.FrequencyDivisors)
        {
            if (!(divisor > 0 && float.IsFinite(divisor)))
            {
                throw Absurd(source, "rope frequency divisor", $"{divisor}", "a finite number above 0");
            }
        }
    }

    private static ModelException Absurd(string source, string key, string value, string expected) => new(
        ModelFault.Corrupt, $"{source}: {key} is {value}, expected {expected}. The configuration is damaged; download or convert the model again.");
}
