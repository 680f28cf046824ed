using NativeSplit.Placement.Costs;

namespace NativeSplit.Placement.Solving;

/// <summary>The best chain of pieces found so far.</summary>
internal sealed class Incumbent(CostModel model)
{
    private Piece[]? _pieces;

    /// <summary>Φ of the best chain; <see cref="long.MaxValue"/> when there is none.</summary>
    public long Cost { get; private set; } = long.MaxValue;

    /// <summary>Φ less a share of it in 1e-6: plans from here up are near enough.</summary>
    public long CostLess(int gap) => Cost - (long)((Int128)Cost * gap / 1_000_000);

    public bool Exists => _pieces is not null;

    public ReadOnlySpan<Piece> Pieces => _pieces;

    /// <summary>Takes the chain if it keeps the rules and is better.</summary>
    public bool Offer(ReadOnlySpan<Piece> pieces)
    {
        if (pieces.Length == 0 || model.TryPrice(pieces) is not { } cost || cost.Total >= Cost)
        {
            return false;
        }

        Cost = cost.Total;
        _pieces = pieces.ToArray();
        return true;
    }
}
