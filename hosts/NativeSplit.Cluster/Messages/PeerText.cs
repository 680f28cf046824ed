namespace NativeSplit.Cluster.Messages;

/// <summary>Makes a text that came from a peer fit for a log, an error or a terminal.</summary>
internal static class PeerText
{
    /// <summary>Characters kept.</summary>
    public const int MaxLength = 300;

    /// <summary>The text on one line and not longer than <see cref="MaxLength"/>: a peer may neither forge log lines nor flood them.</summary>
    public static string Clean(string text)
    {
        ReadOnlySpan<char> kept = text.AsSpan(0, Math.Min(text.Length, MaxLength));
        Span<char> clean = stackalloc char[kept.Length];
        for (int i = 0; i < kept.Length; i++)
        {
            clean[i] = char.IsControl(kept[i]) ? ' ' : kept[i];
        }

        return text.Length > MaxLength ? $"{clean}…" : new string(clean);
    }
}
