namespace NativeSplit.Jinja.Tests;

/// <summary>The clock of the recordings: 4 July 2024, 09:05, in UTC.</summary>
internal sealed class FixedClock : TimeProvider
{
    public static readonly FixedClock Instance = new();

    public override TimeZoneInfo LocalTimeZone => TimeZoneInfo.Utc;

    public override DateTimeOffset GetUtcNow() => new(2024, 7, 4, 9, 5, 0, TimeSpan.Zero);
}
