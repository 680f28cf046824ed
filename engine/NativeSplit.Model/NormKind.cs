namespace NativeSplit.Model;

/// <summary>Kind of a model's norms.</summary>
public enum NormKind
{
    /// <summary>Root mean square, with a gain (Zhang and Sennrich 2019).</summary>
    RootMeanSquare,

    /// <summary>Mean and variance, with gain and bias (Ba, Kiros and Hinton 2016).</summary>
    Layer,
}
