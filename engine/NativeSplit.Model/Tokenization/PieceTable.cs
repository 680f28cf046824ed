using System.Globalization;

namespace NativeSplit.Model.Tokenization;

/// <summary>The vocabulary: pieces by id and ids by piece. Immutable.</summary>
internal sealed class PieceTable
{
    private readonly string?[] _pieces;
    private readonly Dictionary<string, int> _ids;
    private readonly Dictionary<string, int>.AlternateLookup<ReadOnlySpan<char>> _idsBySpan;

    /// <summary>Indexes a vocabulary.</summary>
    /// <param name="pieces">Piece of each id; null where an id has none.</param>
    /// <param name="source">Where they come from, for messages.</param>
    /// <exception cref="ModelException">Two ids have the same piece.</exception>
    public PieceTable(string?[] pieces, string source)
    {
        _pieces = pieces;
        _ids = new Dictionary<string, int>(pieces.Length, StringComparer.Ordinal);
        for (int id = 0; id < pieces.Length; id++)
        {
            if (pieces[id] is not { } piece)
            {
                continue;
            }

            if (!_ids.TryAdd(piece, id))
            {
                throw new ModelException(ModelFault.Corrupt, $"{source}: tokens {_ids[piece]} and {id} are both '{piece}'. Export the tokenizer again.");
            }

            LongestPiece = Math.Max(LongestPiece, piece.Length);
        }

        _idsBySpan = _ids.GetAlternateLookup<ReadOnlySpan<char>>();
    }

    /// <summary>Number of ids.</summary>
    public int Count => _pieces.Length;

    /// <summary>Length of the longest piece, in UTF-16 units.</summary>
    public int LongestPiece { get; }

    /// <summary>Pieces with their ids.</summary>
    public IEnumerable<KeyValuePair<string, int>> Entries => _ids;

    /// <summary>The piece of an id; null where the id has none.</summary>
    public string? this[int id] => _pieces[id];

    /// <summary>Looks up a piece.</summary>
    public bool TryGetId(ReadOnlySpan<char> piece, out int id) => _idsBySpan.TryGetValue(piece, out id);

    /// <summary>Ids of the pieces <c>&lt;0x00&gt;</c> to <c>&lt;0xFF&gt;</c>, −1 where the vocabulary lacks one.</summary>
    public int[] FindByteIds()
    {
        int[] ids = new int[256];
        for (int value = 0; value < ids.Length; value++)
        {
            ids[value] = TryGetId(string.Create(CultureInfo.InvariantCulture, $"<0x{value:X2}>"), out int id) ? id : -1;
        }

        return ids;
    }
}
