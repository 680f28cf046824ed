using System.Globalization;

namespace NativeSplit.Placement;

/// <summary>Figures as people read them.</summary>
internal static class Words
{
    /// <summary>Bytes in GB, or in MB below one.</summary>
    public static string Bytes(Int128 bytes) => bytes < 1_000_000_000
        ? string.Create(CultureInfo.InvariantCulture, $"{(double)bytes / 1e6:0.0} MB")
        : string.Create(CultureInfo.InvariantCulture, $"{(double)bytes / 1e9:0.0} GB");

    /// <summary>A utilisation in 1e-6 as percent.</summary>
    public static string Percent(Int128 load) => string.Create(CultureInfo.InvariantCulture, $"{(double)load / 1e4:0.0} %");
}
