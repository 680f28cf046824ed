namespace NativeSplit.Placement.Costs;

/// <summary>Layers [Start, End) on a node, by index.</summary>
internal readonly record struct Piece(int Node, int Start, int End);
