using System.Text.RegularExpressions;

namespace NativeSplit.Model.Tokenization;

/// <summary>The members of a <c>tokenizer.json</c> around the model: normalizer, pre-tokenizer, post-processor, decoder.</summary>
internal sealed class HuggingFacePipeline
{
    // Files write their patterns for Oniguruma; .NET reads these constructs without complaint, but as something else.
    private static readonly string[] DifferentInDotNet = ["&&", "[[", "[:", @"\h", @"\H", @"\X", @"\R", @"\K", @"\G"];

    private readonly List<TextTransform> _normalizers = [];
    private readonly List<TextTransform> _transforms = [];
    private readonly List<TextSplitter> _splitters = [];
    private readonly List<TokenId> _prefix = [];
    private readonly List<TokenId> _suffix = [];

    /// <summary>Rewriting before normalized added tokens are cut out.</summary>
    public IReadOnlyList<TextTransform> Normalizers => _normalizers;

    /// <summary>Rewriting by pre-tokenizers.</summary>
    public IReadOnlyList<TextTransform> Transforms => _transforms;

    /// <summary>Splitting by pre-tokenizers.</summary>
    public IReadOnlyList<TextSplitter> Splitters => _splitters;

    /// <summary>True when the symbols are bytes.</summary>
    public bool ByteLevel { get; private set; }

    /// <summary>True when a template says what goes around a text.</summary>
    public bool HasTemplate { get; private set; }

    /// <summary>What goes before a text.</summary>
    public IReadOnlyList<TokenId> Prefix => _prefix;

    /// <summary>What goes after it.</summary>
    public IReadOnlyList<TokenId> Suffix => _suffix;

    /// <summary>True when pieces like <c>&lt;0x0A&gt;</c> are decoded to bytes.</summary>
    public bool ByteFallbackDecoder { get; private set; }

    /// <summary>What the decoder turns into a space.</summary>
    public string? SpaceMark { get; private set; }

    /// <summary>True when the decoder takes a space off the start.</summary>
    public bool DropsLeadingSpace { get; private set; }

    /// <summary>Reads the four members.</summary>
    /// <exception cref="ModelException">One is corrupt or asks for a step that isn't supported; the message names it.</exception>
    public static HuggingFacePipeline Read(JsonNodeReader root)
    {
        var pipeline = new HuggingFacePipeline();
        Each(root.Member("normalizer"), "normalizers", pipeline.AddNormalizer);
        Each(root.Member("pre_tokenizer"), "pretokenizers", pipeline.AddPreTokenizer);
        Each(root.Member("post_processor"), "processors", pipeline.AddPostProcessor);
        bool byteLevelDecoder = false;
        Each(root.Member("decoder"), "decoders", step => byteLevelDecoder |= pipeline.AddDecoder(step));
        if (byteLevelDecoder != pipeline.ByteLevel)
        {
            string decoder = byteLevelDecoder ? "ByteLevel" : "something else";
            throw root.Unsupported($"a decoder ({decoder}) that doesn't undo the pre-tokenizer", "ByteLevel for both or for neither");
        }

        return pipeline;
    }

    /// <summary>Walks a step, or the steps of a Sequence.</summary>
    private static void Each(JsonNodeReader? step, string members, Action<JsonNodeReader> add)
    {
        if (step is not { } node)
        {
            return;
        }

        if (node.Kind() != "Sequence")
        {
            add(node);
            return;
        }

        foreach (JsonNodeReader item in node.Required(members).Items())
        {
            Each(item, members, add);
        }
    }

    private void AddNormalizer(JsonNodeReader step)
    {
        _normalizers.Add(step.Kind() switch
        {
            "NFC" => new ComposeTransform(),
            "Prepend" => new PrependTransform(step.Required("prepend").AsString()),
            "Replace" => new ReplaceTransform(LiteralPattern(step), step.Required("content").AsString()),
            "Strip" => new StripTransform(step.Flag("strip_left"), step.Flag("strip_right")),
            string kind => throw step.Unsupported($"the normalizer {kind}", "Sequence, NFC, Prepend, Replace, Strip"),
        });
    }

    private void AddPreTokenizer(JsonNodeReader step)
    {
        // ByteLevel turns text into its alphabet of bytes; a later step would see that instead of text.
        if (ByteLevel)
        {
            throw step.Unsupported("a pre-tokenizer after ByteLevel", "ByteLevel as the last step of a Sequence");
        }

        switch (step.Kind())
        {
            case "ByteLevel":
                if (step.Flag("add_prefix_space", absent: true))
                {
                    AddTransform(step, new PrefixSpaceTransform());
                }

                if (step.Flag("use_regex", absent: true))
                {
                    _splitters.Add(PublishedPatterns.Splitter(PublishedPatterns.Gpt2));
                }

                ByteLevel = true;
                break;
            case "Split":
                _splitters.Add(ReadSplit(step));
                break;
            case "Digits":
                bool single = step.Flag("individual_digits");
                _splitters.Add(PublishedPatterns.Splitter(single ? PublishedPatterns.Digit : PublishedPatterns.Digits));
                break;
            case "Metaspace":
                string mark = step.Member("replacement")?.AsString() ?? TextTransform.SpaceMark.ToString();
                if (mark.Length != 1)
                {
                    throw step.Corrupt($"has the replacement '{mark}'; it must be one character");
                }

                AddTransform(step, new MetaspaceTransform(mark, ReadPlacement(step)));
                if (step.Flag("split", absent: true))
                {
                    _splitters.Add(new MarkSplitter(mark[0]));
                }

                break;
            case string kind:
                throw step.Unsupported($"the pre-tokenizer {kind}", "Sequence, ByteLevel, Split, Digits, Metaspace");
        }
    }

    private void AddTransform(JsonNodeReader step, TextTransform transform)
    {
        if (_splitters.Count > 0)
        {
            throw step.Unsupported("adding spaces after text was split", "as the first step of a Sequence");
        }

        _transforms.Add(transform);
    }

    private static RegexSplitter ReadSplit(JsonNodeReader step)
    {
        JsonNodeReader pattern = step.Required("pattern");
        string expression = pattern.Member("Regex")?.AsString() ?? Regex.Escape(pattern.Required("String").AsString());
        RejectOtherDialects(pattern, expression);
        string behavior = step.Required("behavior").AsString();
        bool inverted = step.Flag("invert");
        bool keepsGaps = (behavior, inverted) switch
        {
            // Inverted, the gaps count as matches: to isolate either gives the same pieces; to remove them leaves the matches.
            ("Isolated", _) => true,
            ("Removed", true) => false,
            _ => throw step.Unsupported($"the behavior {behavior}{(inverted ? ", inverted" : string.Empty)}", "Isolated; Removed, inverted"),
        };
        try
        {
            return new RegexSplitter(PublishedPatterns.Create(expression), keepsGaps);
        }
        catch (ArgumentException)
        {
            throw step.Unsupported($"the pattern {expression}", "patterns that mean the same to .NET");
        }
    }

    private static void RejectOtherDialects(JsonNodeReader pattern, string expression)
    {
        if (CategoryShadow.IsNeeded(expression))
        {
            throw pattern.Unsupported($"a character outside the basic plane in {expression}", "patterns of categories and basic characters");
        }

        foreach (string construct in DifferentInDotNet)
        {
            if (expression.Contains(construct, StringComparison.Ordinal))
            {
                throw pattern.Unsupported($"'{construct}' in {expression}", "patterns that mean the same to .NET");
            }
        }
    }

    private static MarkPlacement ReadPlacement(JsonNodeReader step)
    {
        // Older files have a flag in place of the scheme.
        return step.Member("prepend_scheme")?.AsString() switch
        {
            null => step.Flag("add_prefix_space", absent: true) ? MarkPlacement.Always : MarkPlacement.Never,
            "always" => MarkPlacement.Always,
            "first" => MarkPlacement.First,
            "never" => MarkPlacement.Never,
            string scheme => throw step.Unsupported($"the prepend_scheme {scheme}", "always, first, never"),
        };
    }

    private void AddPostProcessor(JsonNodeReader step)
    {
        switch (step.Kind())
        {
            case "ByteLevel":
                break;
            case "TemplateProcessing":
                ReadTemplate(step);
                break;
            case string kind:
                throw step.Unsupported($"the post-processor {kind}", "Sequence, ByteLevel, TemplateProcessing");
        }
    }

    private void ReadTemplate(JsonNodeReader step)
    {
        HasTemplate = true;
        bool afterText = false;
        foreach (JsonNodeReader item in step.Required("single").Items())
        {
            if (item.Member("Sequence") is not null)
            {
                afterText = true;
                continue;
            }

            string name = item.Required("SpecialToken").Required("id").AsString();
            IEnumerable<JsonNodeReader> ids = step.Required("special_tokens").Required(name).Required("ids").Items();
            (afterText ? _suffix : _prefix).AddRange(ids.Select(id => new TokenId(id.AsInteger())));
        }
    }

    private bool AddDecoder(JsonNodeReader step)
    {
        switch (step.Kind())
        {
            case "ByteLevel":
                return true;
            case "Replace" when step.Required("content").AsString() == " ":
                SpaceMark = LiteralPattern(step);
                return false;
            case "ByteFallback":
                ByteFallbackDecoder = true;
                return false;
            case "Fuse":
                return false;
            case "Strip" when step.Required("content").AsString() == " " && step.Required("stop").AsInteger() == 0:
                DropsLeadingSpace = step.Required("start").AsInteger() switch
                {
                    0 => DropsLeadingSpace,
                    1 => true,
                    int start => throw step.Unsupported($"taking {start} spaces off", "0 or 1, at the start"),
                };
                return false;
            case "Metaspace":
                SpaceMark = step.Member("replacement")?.AsString() ?? TextTransform.SpaceMark.ToString();
                DropsLeadingSpace = ReadPlacement(step) != MarkPlacement.Never;
                return false;
            default:
                throw step.Unsupported(
                    $"the decoder {step.Kind()} as it stands",
                    "Sequence, ByteLevel, Replace by a space, ByteFallback, Fuse, Strip of one space at the start, Metaspace");
        }
    }

    private static string LiteralPattern(JsonNodeReader step)
    {
        JsonNodeReader pattern = step.Required("pattern");
        string text = (pattern.Member("String") ?? throw pattern.Unsupported("replacing by a regular expression", "String")).AsString();
        return text.Length > 0 ? text : throw pattern.Corrupt("is empty");
    }
}
