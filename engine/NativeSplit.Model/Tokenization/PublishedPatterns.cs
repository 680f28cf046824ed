using System.Text.RegularExpressions;

namespace NativeSplit.Model.Tokenization;

/// <summary>The patterns with which published byte-level vocabularies were trained, compiled ahead of time.</summary>
internal static partial class PublishedPatterns
{
    /// <summary>Of GPT-2, and of ByteLevel with <c>use_regex</c>.</summary>
    public const string Gpt2 = @"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+";

    /// <summary>Of Llama 3.</summary>
    public const string Llama3 =
        @"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";

    /// <summary>Of Qwen 2 and 3.</summary>
    public const string Qwen2 =
        @"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";

    /// <summary>One digit, of any script.</summary>
    public const string Digit = @"\p{N}";

    /// <summary>A run of digits, of any script.</summary>
    public const string Digits = @"\p{N}+";

    private const RegexOptions Options = RegexOptions.CultureInvariant;

    /// <summary>The regular expression of a pattern, ready-made if it is one of those above.</summary>
    /// <exception cref="ArgumentException">The pattern isn't one that .NET understands.</exception>
    public static Regex Create(string pattern) => pattern switch
    {
        Gpt2 => Gpt2Regex(),
        Llama3 => Llama3Regex(),
        Qwen2 => Qwen2Regex(),
        Digit => DigitRegex(),
        Digits => DigitsRegex(),
        _ => new Regex(pattern, Options | RegexOptions.Compiled),
    };

    /// <summary>A splitter for a pattern; text between matches is kept.</summary>
    public static TextSplitter Splitter(string pattern) => new RegexSplitter(Create(pattern));

    /// <summary>The four passes that llama.cpp makes when a file doesn't name its pattern.</summary>
    public static IReadOnlyList<TextSplitter> UnnamedPasses { get; } =
        [new RegexSplitter(PunctuationRegex()), new RegexSplitter(Gpt2Regex()), new RegexSplitter(DigitsRegex()), new RegexSplitter(ThreeDigitsRegex())];

    [GeneratedRegex(Gpt2, Options)]
    private static partial Regex Gpt2Regex();

    [GeneratedRegex(Llama3, Options)]
    private static partial Regex Llama3Regex();

    [GeneratedRegex(Qwen2, Options)]
    private static partial Regex Qwen2Regex();

    [GeneratedRegex(Digit, Options)]
    private static partial Regex DigitRegex();

    [GeneratedRegex(Digits, Options)]
    private static partial Regex DigitsRegex();

    [GeneratedRegex(@"[\p{P}$+<=>^~|]+", Options)]
    private static partial Regex PunctuationRegex();

    [GeneratedRegex("[0-9][0-9][0-9]", Options)]
    private static partial Regex ThreeDigitsRegex();
}
