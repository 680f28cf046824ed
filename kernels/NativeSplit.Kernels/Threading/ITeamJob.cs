namespace NativeSplit.Kernels.Threading;

/// <summary>Work that a <c>ThreadTeam</c> shares out. Implementations are reused, so that a step allocates nothing.</summary>
public interface ITeamJob
{
    /// <summary>Does one part. Called once per part, each on its own thread.</summary>
    /// <param name="part">Index of the part.</param>
    /// <param name="parts">Number of parts; the size of the team.</param>
    void Execute(int part, int parts);
}
