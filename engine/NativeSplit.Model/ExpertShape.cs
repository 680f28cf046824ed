namespace NativeSplit.Model;

/// <summary>A mixture of experts: every row runs through a few of many feed-forward blocks (Shazeer et al. 2017; Jiang et al. 2024).</summary>
/// <param name="Count">Experts of a layer.</param>
/// <param name="PerToken">Experts that a row runs through: those with the greatest router outputs.</param>
/// <param name="FeedForwardSize">Width of one expert.</param>
/// <param name="NormalizeWeights">Whether the softmax weights of the chosen experts are divided by their sum.</param>
public sealed record ExpertShape(int Count, int PerToken, int FeedForwardSize, bool NormalizeWeights);
