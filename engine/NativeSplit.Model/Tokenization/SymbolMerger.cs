using System.Buffers;

namespace NativeSplit.Model.Tokenization;

/// <summary>A stretch of a word on its way to becoming a token; a link of a list inside an array.</summary>
internal struct Symbol
{
    /// <summary>First UTF-16 unit in the word.</summary>
    public int Start;

    /// <summary>Number of units; 0 once merged into the symbol on its left.</summary>
    public int Length;

    /// <summary>Its id, or −1 when the vocabulary lacks it.</summary>
    public int Id;

    /// <summary>Index of the symbol on the left, or −1.</summary>
    public int Previous;

    /// <summary>Index of the symbol on the right, or −1.</summary>
    public int Next;
}

/// <summary>Says which neighbours merge, and which first.</summary>
internal interface IMergeRule
{
    /// <summary>Looks up the merge of two neighbours.</summary>
    /// <param name="left">Left symbol.</param>
    /// <param name="right">Symbol right after it.</param>
    /// <param name="order">The lower, the earlier.</param>
    /// <param name="id">Id of the merged symbol.</param>
    bool TryMerge(in Symbol left, in Symbol right, out uint order, out int id);
}

/// <summary>Byte-pair merging: again and again the pair with the lowest order, the leftmost of equals.</summary>
/// <remarks>Sennrich, Haddow and Birch 2016. A heap of candidates over a linked list: O(n log n) in the number of symbols.</remarks>
internal static class SymbolMerger
{
    /// <summary>Merges until no neighbours merge. Start at index 0 and follow <see cref="Symbol.Next"/> to read what is left.</summary>
    /// <param name="symbols">The symbols in order, ids set; links are set here.</param>
    /// <param name="rule">What merges. Called at most once per neighbours that ever meet: fewer than 3 times the number of symbols.</param>
    public static void Merge<TRule>(Span<Symbol> symbols, ref TRule rule)
        where TRule : struct, IMergeRule, allows ref struct
    {
        for (int i = 0; i < symbols.Length; i++)
        {
            symbols[i].Previous = i - 1;
            symbols[i].Next = i + 1 < symbols.Length ? i + 1 : -1;
        }

        var queue = new PriorityQueue<Candidate, ulong>(symbols.Length);
        for (int i = 0; i + 1 < symbols.Length; i++)
        {
            Offer(symbols, i, i + 1, queue, ref rule);
        }

        while (queue.TryDequeue(out Candidate candidate, out _))
        {
            ref Symbol left = ref symbols[candidate.Left];
            ref Symbol right = ref symbols[candidate.Right];

            // Lengths only grow or fall to 0, so an equal sum of two live symbols means that neither has changed since.
            if (left.Length == 0 || right.Length == 0 || left.Length + right.Length != candidate.Length)
            {
                continue;
            }

            left.Length = candidate.Length;
            left.Id = candidate.Id;
            left.Next = right.Next;
            right.Length = 0;
            if (right.Next >= 0)
            {
                symbols[right.Next].Previous = candidate.Left;
                Offer(symbols, candidate.Left, right.Next, queue, ref rule);
            }

            if (left.Previous >= 0)
            {
                Offer(symbols, left.Previous, candidate.Left, queue, ref rule);
            }
        }
    }

    /// <summary>Rents room for the symbols of a word; give it back with <see cref="Return"/>.</summary>
    public static Symbol[] Rent(int count) => ArrayPool<Symbol>.Shared.Rent(count);

    /// <summary>Gives rented symbols back.</summary>
    public static void Return(Symbol[] symbols) => ArrayPool<Symbol>.Shared.Return(symbols);

    private static void Offer<TRule>(Span<Symbol> symbols, int left, int right, PriorityQueue<Candidate, ulong> queue, ref TRule rule)
        where TRule : struct, IMergeRule, allows ref struct
    {
        if (rule.TryMerge(symbols[left], symbols[right], out uint order, out int id))
        {
            int length = symbols[left].Length + symbols[right].Length;
            queue.Enqueue(new Candidate(left, right, length, id), ((ulong)order << 32) | (uint)left);
        }
    }

    private readonly record struct Candidate(int Left, int Right, int Length, int Id);
}
