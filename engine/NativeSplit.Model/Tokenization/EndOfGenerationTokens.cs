using System.Collections.Frozen;

namespace NativeSplit.Model.Tokenization;

/// <summary>Finds the tokens that end a generation.</summary>
internal static class EndOfGenerationTokens
{
    // Files name one end token at most; chat models end their turn with another. These are the names that llama.cpp takes for ends.
    private static readonly FrozenSet<string> Names = FrozenSet.Create(
        StringComparer.Ordinal,
        "<|eot_id|>",
        "<|eom_id|>",
        "<|im_end|>",
        "<|end|>",
        "<|endoftext|>",
        "<|end_of_text|>",
        "<end_of_turn>",
        "<end_of_utterance>",
        "<eos>",
        "</s>",
        "<EOT>",
        "_<EOT>",
        "[EOT]",
        "[EOS]",
        "<|fim_pad|>",
        "<fim-pad>",
        "<fim_pad>",
        "<PAD>",
        "[PAD]",
        "<|fim_repo|>",
        "<|repo_name|>",
        "<fim-repo>",
        "<REPO>",
        "<reponame>",
        "<|file_sep|>");

    /// <summary>True for the written form of a token that ends a generation.</summary>
    public static bool IsName(string piece) => Names.Contains(piece);

    /// <summary>Collects the tokens that a file states and those known by name.</summary>
    /// <param name="stated">End tokens that the file states; null entries are skipped.</param>
    /// <param name="candidates">Tokens that may be ends by their name.</param>
    public static FrozenSet<TokenId> Collect(IEnumerable<TokenId?> stated, IEnumerable<(TokenId Id, string Piece)> candidates)
    {
        var ends = stated.OfType<TokenId>().ToHashSet();
        ends.UnionWith(candidates.Where(candidate => IsName(candidate.Piece)).Select(candidate => candidate.Id));
        return ends.ToFrozenSet();
    }
}
