namespace NativeSplit.Host;

/// <summary>Exit codes of <c>nativesplit</c>, for scripts.</summary>
internal static class ExitCode
{
    public const int Done = 0;

    /// <summary>Something unexpected.</summary>
    public const int Failed = 1;

    /// <summary>The command line can't be used.</summary>
    public const int Usage = 2;

    /// <summary>A model, tokenizer, template or plan file can't be used.</summary>
    public const int BadFile = 3;

    /// <summary>A node, link, token or port.</summary>
    public const int Network = 4;

    /// <summary>The request can't be met: prompt too long, no room.</summary>
    public const int Refused = 5;

    /// <summary>Ended by Ctrl-C or SIGTERM, by convention 128 + SIGINT.</summary>
    public const int Cancelled = 130;
}
