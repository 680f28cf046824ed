using System.Globalization;

namespace NativeSplit.Host.Planning;

/// <summary>Units that a quantity may be given in, and how many of the least one each is.</summary>
internal sealed class Units
{
    private readonly (string Name, decimal Factor)[] _units;

    private Units(string example, params (string Name, decimal Factor)[] units) => (Example, _units) = (example, units);

    public static Units Bytes { get; } = new("8 GB", ("B", 1), ("kB", 1e3m), ("MB", 1e6m), ("GB", 1e9m), ("TB", 1e12m), ("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30));

    public static Units Nanoseconds { get; } = new("2.5 ms", ("ns", 1), ("us", 1e3m), ("ms", 1e6m), ("s", 1e9m));

    public static Units Microseconds { get; } = new("2.5 ms", ("us", 1), ("ms", 1e3m), ("s", 1e6m));

    public static Units BytesPerSecond { get; } = new("1 Gbit/s", ("bit/s", 0.125m), ("kbit/s", 125), ("Mbit/s", 125_000), ("Gbit/s", 125_000_000), ("MB/s", 1e6m), ("GB/s", 1e9m));

    public static Units PerKilosecond { get; } = new("0.5 /s", ("/s", 1000), ("/min", 1000 / 60m), ("/h", 1000 / 3600m));

    public static Units Millionths { get; } = new("15 %", ("%", 10_000));

    public static Units Thousandths { get; } = new("0.3", (string.Empty, 1000));

    public string Example { get; }

    public string Names => string.Join(", ", _units.Select(u => u.Name.Length == 0 ? "nothing" : u.Name));

    public bool TryParse(string text, out long amount)
    {
        amount = 0;
        text = text.Trim();
        int end = 0;
        while (end < text.Length && (char.IsAsciiDigit(text[end]) || text[end] == '.'))
        {
            end++;
        }

        string unit = text[end..].TrimStart();
        foreach ((string name, decimal factor) in _units)
        {
            if (name == unit && decimal.TryParse(text[..end], NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out decimal number) && number <= long.MaxValue / Math.Max(1, factor))
            {
                amount = (long)Math.Round(number * factor);
                return true;
            }
        }

        return false;
    }
}
