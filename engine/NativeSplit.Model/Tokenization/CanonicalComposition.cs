using System.Buffers;
using System.Collections.Frozen;
using System.Text;

namespace NativeSplit.Model.Tokenization;

/// <summary>Unicode normalization form C.</summary>
/// <remarks>
/// Unicode Standard Annex 15. The runtime's own <see cref="string.Normalize(NormalizationForm)"/> does nothing in invariant globalization,
/// the mode this program runs in.
/// </remarks>
internal static class CanonicalComposition
{
    private const int FirstAffectedByComposition = 0x300;
    private const int CodePointMask = 0x1FFFFF;
    private const int HangulBase = 0xAC00, LeadBase = 0x1100, VowelBase = 0x1161, TailBase = 0x11A7;
    private const int LeadCount = 19, VowelCount = 21, TailCount = 28, HangulCount = LeadCount * VowelCount * TailCount;

    private static readonly FrozenDictionary<ulong, int> Composites = BuildComposites();

    /// <summary>Gives the text in form C; the same instance when nothing in it could change.</summary>
    /// <param name="text">Well-formed UTF-16.</param>
    public static string Normalize(string text)
    {
        if (text.AsSpan().IndexOfAnyExceptInRange('\0', (char)(FirstAffectedByComposition - 1)) < 0)
        {
            return text;
        }

        var points = new List<int>(text.Length);
        foreach (Rune rune in text.EnumerateRunes())
        {
            Decompose(rune.Value, points);
        }

        Order(points);
        Compose(points);
        var builder = new StringBuilder(text.Length);
        Span<char> utf16 = stackalloc char[2];
        foreach (int point in points)
        {
            builder.Append(utf16[..new Rune(point).EncodeToUtf16(utf16)]);
        }

        return builder.ToString();
    }

    private static void Decompose(int point, List<int> destination)
    {
        if ((uint)(point - HangulBase) < HangulCount)
        {
            int syllable = point - HangulBase;
            destination.Add(LeadBase + (syllable / (VowelCount * TailCount)));
            destination.Add(VowelBase + (syllable % (VowelCount * TailCount) / TailCount));
            if (syllable % TailCount != 0)
            {
                destination.Add(TailBase + (syllable % TailCount));
            }

            return;
        }

        if (!TryFindDecomposition(point, out ulong entry))
        {
            destination.Add(point);
            return;
        }

        Decompose((int)(entry >> 21) & CodePointMask, destination);
        if (((int)entry & CodePointMask) is int second and not 0)
        {
            Decompose(second, destination);
        }
    }

    private static bool TryFindDecomposition(int point, out ulong entry)
    {
        ReadOnlySpan<ulong> table = CanonicalTables.Decompositions;
        int low = 0;
        int high = table.Length;
        while (low < high)
        {
            int middle = (low + high) >>> 1;
            int candidate = (int)(table[middle] >> 43);
            if (candidate == point)
            {
                entry = table[middle];
                return true;
            }

            if (candidate < point)
            {
                low = middle + 1;
            }
            else
            {
                high = middle;
            }
        }

        entry = 0;
        return false;
    }

    /// <summary>Rank of a mark's combining class, from 1; 0 for a starter.</summary>
    private static int RankOf(int point)
    {
        if (point < FirstAffectedByComposition)
        {
            return 0;
        }

        ReadOnlySpan<ulong> table = CanonicalTables.CombiningRanks;
        int low = 0;
        int high = table.Length;
        while (low < high)
        {
            int middle = (low + high) >>> 1;
            if ((int)(table[middle] >> 32) <= point)
            {
                low = middle + 1;
            }
            else
            {
                high = middle;
            }
        }

        return low > 0 && point < ((int)(table[low - 1] >> 8) & 0xFFFFFF) ? (int)(table[low - 1] & 0xFF) : 0;
    }

    /// <summary>Sorts each run of marks by class, equal classes in their order. A sort by key, so that long runs stay cheap.</summary>
    private static void Order(List<int> points)
    {
        for (int start = 0; start < points.Count; start++)
        {
            if (RankOf(points[start]) == 0)
            {
                continue;
            }

            int end = start + 1;
            while (end < points.Count && RankOf(points[end]) != 0)
            {
                end++;
            }

            if (end - start > 1)
            {
                OrderRun(points, start, end);
            }

            start = end;
        }
    }

    private static void OrderRun(List<int> points, int start, int end)
    {
        int count = end - start;
        ulong[] keys = ArrayPool<ulong>.Shared.Rent(count);
        int[] marks = ArrayPool<int>.Shared.Rent(count);
        for (int i = 0; i < count; i++)
        {
            marks[i] = points[start + i];
            keys[i] = ((ulong)RankOf(marks[i]) << 32) | (uint)i;
        }

        Array.Sort(keys, marks, 0, count);
        for (int i = 0; i < count; i++)
        {
            points[start + i] = marks[i];
        }

        ArrayPool<ulong>.Shared.Return(keys);
        ArrayPool<int>.Shared.Return(marks);
    }

    private static void Compose(List<int> points)
    {
        int written = 0;
        int starter = -1;
        int lastRank = 0;
        for (int i = 0; i < points.Count; i++)
        {
            int point = points[i];
            int rank = RankOf(point);

            // Blocked when something of the same or a higher class, or a starter, stands between.
            bool adjacent = starter == written - 1;
            if (starter >= 0 && (adjacent || (lastRank != 0 && lastRank < rank)) && TryCompose(points[starter], point, out int composite))
            {
                points[starter] = composite;
                continue;
            }

            if (rank == 0)
            {
                starter = written;
            }

            lastRank = rank;
            points[written++] = point;
        }

        points.RemoveRange(written, points.Count - written);
    }

    private static bool TryCompose(int first, int second, out int composite)
    {
        if ((uint)(first - LeadBase) < LeadCount && (uint)(second - VowelBase) < VowelCount)
        {
            composite = HangulBase + ((((first - LeadBase) * VowelCount) + (second - VowelBase)) * TailCount);
            return true;
        }

        if ((uint)(first - HangulBase) < HangulCount && (first - HangulBase) % TailCount == 0 && (uint)(second - TailBase - 1) < TailCount - 1)
        {
            composite = first + (second - TailBase);
            return true;
        }

        return Composites.TryGetValue(((ulong)first << 21) | (uint)second, out composite);
    }

    private static FrozenDictionary<ulong, int> BuildComposites()
    {
        var composites = new Dictionary<ulong, int>();
        foreach (ulong entry in CanonicalTables.Decompositions)
        {
            if ((entry & (1UL << 42)) != 0)
            {
                composites.Add(entry & ((1UL << 42) - 1), (int)(entry >> 43));
            }
        }

        return composites.ToFrozenDictionary();
    }
}
