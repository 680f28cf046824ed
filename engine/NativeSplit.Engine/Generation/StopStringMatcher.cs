using System.Text;

namespace NativeSplit.Engine.Generation;

/// <summary>
/// Lets text through until a stop string is complete. Text that may yet become a stop string is held back, so no part of
/// one is ever let through, however the text is cut into pieces. For one stream, one thread.
/// </summary>
/// <remarks>The stop string that is complete first wins; of those complete at the same character, the one that began first. Ordinal comparison.</remarks>
public sealed class StopStringMatcher
{
    private readonly string[] _stops;
    private string _held = "";

    /// <summary>Makes a matcher.</summary>
    /// <param name="stops">Stop strings; none is allowed, an empty one isn't.</param>
    /// <exception cref="ArgumentException">A stop string is empty or cuts a character in half (unpaired surrogate).</exception>
    public StopStringMatcher(IReadOnlyList<string> stops)
    {
        ArgumentNullException.ThrowIfNull(stops);
        _stops = [.. stops];
        for (int i = 0; i < _stops.Length; i++)
        {
            if (string.IsNullOrEmpty(_stops[i]))
            {
                throw new ArgumentException($"Stop string {i} is empty; leave it out.", nameof(stops));
            }

            if (HasUnpairedSurrogate(_stops[i]))
            {
                throw new ArgumentException($"Stop string {i} has an unpaired surrogate; it can never appear in the text.", nameof(stops));
            }
        }
    }

    /// <summary>True once a stop string was complete. Nothing is let through any more.</summary>
    public bool IsMatched { get; private set; }

    /// <summary>Takes the next piece of text.</summary>
    /// <returns>Text that can't be part of a stop string; may be empty.</returns>
    public string Append(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        if (IsMatched || _stops.Length == 0)
        {
            return IsMatched ? "" : text;
        }

        string pending = _held.Length == 0 ? text : _held + text;
        for (int end = _held.Length + 1; end <= pending.Length; end++)
        {
            if (FindEndingAt(pending, end) is { } start)
            {
                IsMatched = true;
                _held = "";
                return pending[..start];
            }
        }

        int free = StartOfPossibleStop(pending);
        _held = pending[free..];
        return pending[..free];
    }

    /// <summary>Ends the stream.</summary>
    /// <returns>The text held back, which has become no stop string.</returns>
    public string Finish()
    {
        string rest = _held;
        _held = "";
        return rest;
    }

    private static bool HasUnpairedSurrogate(ReadOnlySpan<char> text)
    {
        while (!text.IsEmpty)
        {
            if (Rune.DecodeFromUtf16(text, out _, out int consumed) != System.Buffers.OperationStatus.Done)
            {
                return true;
            }

            text = text[consumed..];
        }

        return false;
    }

    // Start of the longest stop string that ends there, or null.
    private int? FindEndingAt(string text, int end)
    {
        int longest = 0;
        foreach (string stop in _stops)
        {
            if (stop.Length > longest && text.AsSpan(0, end).EndsWith(stop, StringComparison.Ordinal))
            {
                longest = stop.Length;
            }
        }

        return longest == 0 ? null : end - longest;
    }

    // First index from which the rest of the text is the beginning of a stop string.
    private int StartOfPossibleStop(string text)
    {
        for (int start = 0; start < text.Length; start++)
        {
            var rest = text.AsSpan(start);
            foreach (string stop in _stops)
            {
                if (stop.Length > rest.Length && stop.AsSpan().StartsWith(rest, StringComparison.Ordinal))
                {
                    return start;
                }
            }
        }

        return text.Length;
    }
}
