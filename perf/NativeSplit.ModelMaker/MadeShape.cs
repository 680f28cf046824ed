namespace NativeSplit.ModelMaker;

/// <summary>A named shape of a llama model.</summary>
internal sealed record MadeShape
{
    /// <summary>Name on the command line.</summary>
    public required string Name { get; init; }

    /// <summary>Width of the residual stream; a multiple of 256, so that every block format fits.</summary>
    public required int Hidden { get; init; }

    /// <summary>Transformer layers.</summary>
    public required int Layers { get; init; }

    /// <summary>Query heads.</summary>
    public required int Heads { get; init; }

    /// <summary>Key and value heads.</summary>
    public required int KeyValueHeads { get; init; }

    /// <summary>Width of the feed-forward block; a multiple of 256.</summary>
    public required int FeedForward { get; init; }

    /// <summary>Tokens.</summary>
    public required int Vocabulary { get; init; }

    /// <summary>Positions.</summary>
    public required int Context { get; init; }

    /// <summary>Base of the rotary frequencies.</summary>
    public required float RopeBase { get; init; }

    /// <summary>Elements of a head.</summary>
    public int HeadSize => Hidden / Heads;

    /// <summary>Width of all key heads together.</summary>
    public int KeyValueSize => KeyValueHeads * HeadSize;

    /// <summary>The shapes there are.</summary>
    public static IReadOnlyList<MadeShape> All { get; } =
    [
        new()
        {
            Name = "tiny", Hidden = 256, Layers = 4, Heads = 8, KeyValueHeads = 2, FeedForward = 512,
            Vocabulary = 512, Context = 512, RopeBase = 10_000,
        },
        new()
        {
            Name = "tinyllama-1.1b", Hidden = 2048, Layers = 22, Heads = 32, KeyValueHeads = 4, FeedForward = 5632,
            Vocabulary = 32_000, Context = 2048, RopeBase = 10_000,
        },
        new()
        {
            Name = "llama-8b", Hidden = 4096, Layers = 32, Heads = 32, KeyValueHeads = 8, FeedForward = 14_336,
            Vocabulary = 128_256, Context = 8192, RopeBase = 500_000,
        },
    ];
}
