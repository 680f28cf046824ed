namespace NativeSplit.Model;

/// <summary>Which layers of a model attend to the latest positions only, and to how many.</summary>
/// <param name="Positions">Positions that a row sees in such a layer, its own among them.</param>
/// <param name="Period">Of so many layers in a row, the last one sees everything and the others have the window; 1: every layer has it.</param>
public sealed record AttentionWindow(int Positions, int Period)
{
    /// <summary>Every layer sees all positions.</summary>
    public static AttentionWindow None { get; } = new(int.MaxValue, 1);

    /// <summary>Positions that a row sees in a layer, its own among them.</summary>
    /// <param name="layer">Layer of the whole model, from 0.</param>
    public int Of(int layer) => Period > 1 && layer % Period == Period - 1 ? int.MaxValue : Positions;
}
