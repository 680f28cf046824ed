using System.Text;

namespace NativeSplit.Jinja.Syntax;

/// <summary>
/// The source as the lexer reads it: <c>trim_blocks</c> and <c>lstrip_blocks</c> applied and <c>generation</c> tags
/// taken out, with the way back to lines and columns of the original.
/// </summary>
/// <remarks>
/// The three passes run over the bare text, before any tag is recognised, in the order and with the patterns of
/// <c>@huggingface/jinja</c>; a tag inside a string literal is therefore treated like any other, as there.
/// </remarks>
internal sealed class TemplateSource
{
    private readonly string _original;
    private readonly int[] _origins;

    private TemplateSource(string original, string text, int[] origins)
    {
        _original = original;
        Text = text;
        _origins = origins;
    }

    /// <summary>What the lexer reads.</summary>
    public string Text { get; }

    /// <summary>Prepares a source.</summary>
    public static TemplateSource Prepare(string source)
    {
        int length = source.EndsWith('\n') ? source.Length - 1 : source.Length;
        Pass text = new(source[..length], Enumerable.Range(0, length).ToArray());
        text = StripBeforeBlocks(text);
        text = TrimAfterBlocks(text);
        text = RemoveGenerationTags(text);
        return new TemplateSource(source, text.Text, text.Origins);
    }

    /// <summary>Line and column, from 1, in the original source.</summary>
    /// <param name="position">Position in <see cref="Text"/>; its length stands for the end.</param>
    public (int Line, int Column) Locate(int position)
    {
        int origin = position < _origins.Length ? _origins[position] : _original.Length;
        int line = 1;
        int lineStart = 0;
        for (int i = 0; i < origin; i++)
        {
            if (_original[i] == '\n')
            {
                line++;
                lineStart = i + 1;
            }
        }

        return (line, origin - lineStart + 1);
    }

    /// <summary>Spaces and tabs between the start of a line and a block go, unless the block opens with <c>{%+</c>.</summary>
    private static Pass StripBeforeBlocks(Pass input)
    {
        string text = input.Text;
        PassBuilder output = new(input);
        for (int i = 0; i < text.Length;)
        {
            if (i == 0 || text[i - 1] is '\n' or '\r' or '\u2028' or '\u2029')
            {
                int block = i;
                while (block < text.Length && text[block] is ' ' or '\t')
                {
                    block++;
                }

                if (block > i && block + 1 < text.Length && text[block] == '{' && text[block + 1] is '#' or '%' or '-'
                    && !text.AsSpan(block).StartsWith("{%+"))
                {
                    i = block;
                }
            }

            output.Copy(i++);
        }

        return output.ToPass();
    }

    /// <summary>The newline right after a block goes, unless the block closes with <c>+%}</c>.</summary>
    private static Pass TrimAfterBlocks(Pass input)
    {
        string text = input.Text;
        PassBuilder output = new(input);
        for (int i = 0; i < text.Length; i++)
        {
            bool afterBlock = text[i] == '\n' && i >= 2 && text[i - 1] == '}' && text[i - 2] is '#' or '%' or '-'
                && !(i >= 3 && text[i - 2] == '%' && text[i - 3] == '+');
            if (!afterBlock)
            {
                output.Copy(i);
            }
        }

        return output.ToPass();
    }

    /// <summary><c>{% generation %}</c> and <c>{% endgeneration %}</c> mark text for training and mean nothing here.</summary>
    private static Pass RemoveGenerationTags(Pass input)
    {
        string text = input.Text;
        if (!text.Contains("generation", StringComparison.Ordinal))
        {
            return input;
        }

        PassBuilder output = new(input);
        int copied = 0;
        for (int open = text.IndexOf("{%", StringComparison.Ordinal); open >= 0; open = text.IndexOf("{%", Math.Max(open + 1, copied), StringComparison.Ordinal))
        {
            if (!TryMatchGenerationTag(text, open, out int end, out bool stripBefore, out bool stripAfter))
            {
                continue;
            }

            int before = open;
            while (before > copied && WhiteSpace.Is(text[before - 1]))
            {
                before--;
            }

            int after = end;
            while (after < text.Length && WhiteSpace.Is(text[after]))
            {
                after++;
            }

            output.Copy(copied, stripBefore ? before : open);
            output.Copy(stripAfter ? after : end, after);
            copied = after;
        }

        output.Copy(copied, text.Length);
        return output.ToPass();
    }

    private static bool TryMatchGenerationTag(string text, int open, out int end, out bool stripBefore, out bool stripAfter)
    {
        int i = open + 2;
        stripBefore = i < text.Length && text[i] == '-';
        i += stripBefore ? 1 : 0;
        i = SkipWhiteSpace(text, i);
        i += text.AsSpan(i).StartsWith("end") ? 3 : 0;
        end = 0;
        stripAfter = false;
        if (!text.AsSpan(i).StartsWith("generation"))
        {
            return false;
        }

        i = SkipWhiteSpace(text, i + "generation".Length);
        stripAfter = i < text.Length && text[i] == '-';
        i += stripAfter ? 1 : 0;
        end = i + 2;
        return text.AsSpan(i).StartsWith("%}");
    }

    private static int SkipWhiteSpace(string text, int i)
    {
        while (i < text.Length && WhiteSpace.Is(text[i]))
        {
            i++;
        }

        return i;
    }

    private readonly record struct Pass(string Text, int[] Origins);

    private sealed class PassBuilder(Pass input)
    {
        private readonly StringBuilder _text = new(input.Text.Length);
        private readonly List<int> _origins = new(input.Text.Length);

        public void Copy(int position)
        {
            _text.Append(input.Text[position]);
            _origins.Add(input.Origins[position]);
        }

        public void Copy(int start, int end)
        {
            for (int i = start; i < end; i++)
            {
                Copy(i);
            }
        }

        public Pass ToPass() => new(_text.ToString(), [.. _origins]);
    }
}
