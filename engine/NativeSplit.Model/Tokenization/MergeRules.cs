namespace NativeSplit.Model.Tokenization;

/// <summary>Merges in the order in which they were learned.</summary>
internal readonly struct RankRule(MergeTable merges) : IMergeRule
{
    /// <inheritdoc/>
    public bool TryMerge(in Symbol left, in Symbol right, out uint order, out int id) => merges.TryGet(left.Id, right.Id, out order, out id);
}

/// <summary>Merges whatever gives a piece of the vocabulary, the piece with the highest score first (SentencePiece's BPE).</summary>
internal readonly ref struct ScoreRule(ReadOnlySpan<char> word, PieceTable pieces, ReadOnlySpan<float> scores) : IMergeRule
{
    private readonly ReadOnlySpan<char> _word = word;
    private readonly ReadOnlySpan<float> _scores = scores;

    /// <inheritdoc/>
    public bool TryMerge(in Symbol left, in Symbol right, out uint order, out int id)
    {
        order = 0;
        id = -1;
        int length = left.Length + right.Length;
        if (length > pieces.LongestPiece || !pieces.TryGetId(_word.Slice(left.Start, length), out id))
        {
            return false;
        }

        order = DescendingOrder(_scores[id]);
        return true;
    }

    /// <summary>Maps a score to an unsigned number that falls as the score rises.</summary>
    private static uint DescendingOrder(float score)
    {
        // Adding 0 makes −0 and 0 one. Positive floats order like their bits; negative ones in reverse, below them.
        uint bits = BitConverter.SingleToUInt32Bits(score + 0f);
        uint ascending = (bits & 0x80000000) != 0 ? ~bits : bits | 0x80000000;
        return ~ascending;
    }
}

/// <summary>Ranks of merges by the ids of both sides. Immutable.</summary>
internal sealed class MergeTable
{
    private readonly Dictionary<ulong, (uint Rank, int Id)> _merges;

    /// <summary>Resolves merges given as text.</summary>
    /// <param name="merges">Both sides, in rank order.</param>
    /// <param name="pieces">The vocabulary.</param>
    /// <param name="source">Where they come from, for messages.</param>
    /// <exception cref="ModelException">A side or a result isn't in the vocabulary, or a merge comes twice.</exception>
    public MergeTable(IReadOnlyList<MergePair> merges, PieceTable pieces, string source)
    {
        _merges = new Dictionary<ulong, (uint, int)>(merges.Count);
        for (int rank = 0; rank < merges.Count; rank++)
        {
            (string left, string right) = merges[rank];
            if (!pieces.TryGetId(left, out int leftId) || !pieces.TryGetId(right, out int rightId) || !pieces.TryGetId(left + right, out int id))
            {
                throw new ModelException(ModelFault.Corrupt, $"{source}: merge {rank} ('{left}' + '{right}') uses a piece that the vocabulary "
                    + "lacks. The merges and the vocabulary don't belong together: export the tokenizer again.");
            }

            if (!_merges.TryAdd(KeyOf(leftId, rightId), ((uint)rank, id)))
            {
                throw new ModelException(ModelFault.Corrupt, $"{source}: merge {rank} ('{left}' + '{right}') comes twice. Export the tokenizer again.");
            }
        }
    }

    /// <summary>Looks up the merge of two ids.</summary>
    public bool TryGet(int left, int right, out uint rank, out int id)
    {
        bool found = _merges.TryGetValue(KeyOf(left, right), out (uint Rank, int Id) merge);
        (rank, id) = merge;
        return found;
    }

    private static ulong KeyOf(int left, int right) => ((ulong)(uint)left << 32) | (uint)right;
}

/// <summary>A merge as files give it.</summary>
/// <param name="Left">Left side.</param>
/// <param name="Right">Right side.</param>
internal readonly record struct MergePair(string Left, string Right);
