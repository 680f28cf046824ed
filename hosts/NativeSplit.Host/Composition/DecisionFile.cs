using NativeSplit.Orchestrator;
using NativeSplit.Placement.Deciding;

namespace NativeSplit.Host.Composition;

/// <summary>Keeps decisions as lines of JSON in the data folder. Of plans that are kept, only the first in a row is written: there is one every few seconds.</summary>
internal sealed class DecisionFile(string folder) : IDecisionLog
{
    private const string Name = "decisions.jsonl";

    private DecisionKind? _last;
    private bool _complained;

    /// <summary>The file in a data folder.</summary>
    public static string PathIn(string folder) => Path.Combine(folder, Name);

    public void Write(DecisionRecord record)
    {
        if (record.Kind == DecisionKind.Keep && _last == DecisionKind.Keep)
        {
            return;
        }

        _last = record.Kind;
        try
        {
            Directory.CreateDirectory(folder);
            File.AppendAllText(PathIn(folder), record.ToJson() + "\n");
            _complained = false;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // A full disk must not end the service; but whoever keeps the log must know that it has a gap.
            if (!_complained)
            {
                Console.Error.WriteLine($"Decisions can't be written to {PathIn(folder)}: {e.Message} Free space there, or let this user write; the next decision tries again.");
            }

            _complained = true;
        }
    }
}

/// <summary>For a gateway without a data folder: the log on standard error is all there is.</summary>
internal sealed class NoDecisionFile : IDecisionLog
{
    public void Write(DecisionRecord record)
    {
    }
}
