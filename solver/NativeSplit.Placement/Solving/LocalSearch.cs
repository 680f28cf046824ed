using NativeSplit.Placement.Costs;

namespace NativeSplit.Placement.Solving;

/// <summary>Betters the incumbent by small moves: shift a border, replace a node, swap neighbours, merge two segments.</summary>
internal sealed class LocalSearch(CostModel model, Incumbent incumbent, BudgetMeter meter)
{
    private static readonly int[] Shifts = [-4, -2, -1, 1, 2, 4];

    /// <summary>Moves until no move helps or the budget is gone.</summary>
    public void Run()
    {
        while (incumbent.Exists && TryAll(incumbent.Pieces.ToArray()) && !meter.IsOver)
        {
        }
    }

    private bool TryAll(Piece[] at)
    {
        bool improved = false;
        for (int s = 0; s < at.Length; s++)
        {
            for (int n = 0; n < model.NodeCount; n++)
            {
                improved |= n != at[s].Node && Offer(at, x => x[s] = x[s] with { Node = n });
            }

            if (s + 1 == at.Length)
            {
                continue;
            }

            foreach (int shift in Shifts)
            {
                int border = at[s].End + shift;
                improved |= border > at[s].Start && border < at[s + 1].End && Offer(at, x => MoveBorder(x, s, border));
            }

            improved |= Offer(at, x => Swap(x, s));
            improved |= OfferMerged(at, s, at[s].Node);
            improved |= OfferMerged(at, s, at[s + 1].Node);
        }

        return improved;
    }

    private static void MoveBorder(Piece[] x, int s, int border)
    {
        x[s] = x[s] with { End = border };
        x[s + 1] = x[s + 1] with { Start = border };
    }

    // The nodes change places and take their numbers of layers with them.
    private static void Swap(Piece[] x, int s)
    {
        (int first, int second) = (x[s].Node, x[s + 1].Node);
        MoveBorder(x, s, x[s].Start + x[s + 1].End - x[s + 1].Start);
        x[s] = x[s] with { Node = second };
        x[s + 1] = x[s + 1] with { Node = first };
    }

    private bool Offer(Piece[] at, Action<Piece[]> move)
    {
        Piece[] x = (Piece[])at.Clone();
        move(x);
        return meter.Spend(model.LayerCount) && incumbent.Offer(x);
    }

    private bool OfferMerged(Piece[] at, int s, int node)
    {
        List<Piece> x = [.. at];
        x[s] = new Piece(node, at[s].Start, at[s + 1].End);
        x.RemoveAt(s + 1);
        return meter.Spend(model.LayerCount) && incumbent.Offer(System.Runtime.InteropServices.CollectionsMarshal.AsSpan(x));
    }
}
