using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using NativeSplit.Gateway.Http;
using NativeSplit.Model;
using NativeSplit.Model.Tokenization;

namespace NativeSplit.Gateway.Prompts;

/// <summary>
/// Turns a chat into the ids of its prompt. Special tokens in the prompt come from the template alone, never from what a message says.
/// </summary>
/// <remarks>
/// The template's output is encoded with special tokens recognised, so a message that spells one (<c>&lt;|im_end|&gt;</c>) would end
/// its own turn. Before rendering, each spelling inside a text of the chat is replaced by one private-use character that the chat
/// doesn't hold; templates pass such a character through <c>trim</c>, <c>tojson</c> (if need be as a <c>\u</c> escape) and the like.
/// After rendering, the output is cut at these characters: what stands between is encoded with special tokens recognised, the
/// spelling itself as plain text.
/// That leaves spellings that come about only when the template sets two texts side by side (<c>&lt;|im_</c> and <c>end|&gt;</c>). If
/// a text begins or ends inside a spelling, the chat is rendered once more with a private-use character at these edges; if that
/// changes which special tokens the output holds, the request is refused.
/// What stays out of reach is a template that deletes characters from the middle of a text.
/// </remarks>
internal sealed class ChatPromptEncoder
{
    /// <summary>First and last character of the Basic Multilingual Plane's private-use area.</summary>
    private const char FirstPrivate = '\uE000';
    private const char LastPrivate = '\uF8FF';

    private const int EscapeLength = 6;

    private readonly GatewayModel _model;
    private readonly int _maxCharacters;
    private readonly SpecialTokenSpellings? _guarded;

    /// <param name="model">The model; it has a chat template.</param>
    /// <param name="maxCharacters">UTF-16 characters of a prompt at most.</param>
    /// <param name="allowSpecialTokens">Whether texts of the chat may spell special tokens.</param>
    public ChatPromptEncoder(GatewayModel model, int maxCharacters, bool allowSpecialTokens)
    {
        _model = model;
        _maxCharacters = maxCharacters;
        _guarded = allowSpecialTokens ? null : new SpecialTokenSpellings(model.Tokenizer);
    }

    /// <exception cref="ApiException">The prompt is too long, the template refused the chat, or texts join to a special token.</exception>
    public IReadOnlyList<TokenId> Encode(IReadOnlyList<ChatMessage> messages, JsonArray? tools)
    {
        ChatText chat = new(messages, tools);
        long characters = 0;
        chat.ForEach(text => characters += text.Length);
        CheckLength(characters);
        if (_guarded is null)
        {
            return EncodeTemplated(Render(chat));
        }

        HashSet<string> spelled = new(StringComparer.Ordinal);
        bool risky = false;
        chat.ForEach(text =>
        {
            spelled.UnionWith(_guarded.FindAll(text));
            risky |= _guarded.BeginsInside(text.AsSpan().TrimStart()) || _guarded.EndsInside(text.AsSpan().TrimEnd());
        });
        if (spelled.Count == 0 && !risky)
        {
            return EncodeTemplated(Render(chat));
        }

        Stack<char> free = FindUnused(chat);
        Dictionary<string, char> masks = new(StringComparer.Ordinal);
        Dictionary<char, string> spellings = [];
        foreach (string spelling in spelled)
        {
            char mask = Take(free);
            masks.Add(spelling, mask);
            spellings.Add(mask, spelling);
        }

        ChatText masked = chat.Map(text => Mask(text, masks));
        string rendered = Render(masked);
        if (risky)
        {
            CheckJoins(masked, rendered, Take(free));
        }

        return EncodeMasked(rendered, spellings);
    }

    private string Render(ChatText chat)
    {
        string rendered;
        try
        {
            rendered = _model.RenderChat!(chat.Messages, chat.Tools, true);
        }
        catch (ModelException exception) when (exception.Fault == ModelFault.Template)
        {
            throw new ApiException(ApiErrors.TemplateFailed(exception.Message));
        }

        CheckLength(rendered.Length);
        return rendered;
    }

    private void CheckLength(long characters)
    {
        if (characters > _maxCharacters)
        {
            throw new ApiException(ApiErrors.LongText("messages", _maxCharacters, characters));
        }
    }

    private string Mask(string text, Dictionary<string, char> masks)
    {
        int index = _guarded!.Find(text, out string spelling);
        if (index < 0)
        {
            return text;
        }

        StringBuilder masked = new(text.Length);
        int start = 0;
        do
        {
            masked.Append(text, start, index).Append(masks[spelling]);
            start += index + spelling.Length;
            index = _guarded.Find(text.AsSpan(start), out spelling);
        }
        while (index >= 0);
        return masked.Append(text, start, text.Length - start).ToString();
    }

    /// <summary>Renders with a mark at every edge that could take part in a spelling; the special tokens must stay the same.</summary>
    private void CheckJoins(ChatText masked, string rendered, char mark)
    {
        string marked = Render(masked.Map(text => Mark(text, mark)));
        List<string> plain = _guarded!.FindAll(rendered);
        List<string> apart = _guarded.FindAll(marked);
        for (int i = 0; i < plain.Count; i++)
        {
            if (i >= apart.Count || plain[i] != apart[i])
            {
                throw new ApiException(ApiErrors.JoinedSpecialToken(plain[i]));
            }
        }
    }

    /// <summary>Marks stand inside the blanks around a text, so that a template's <c>trim</c> works as without them.</summary>
    private string Mark(string text, char mark)
    {
        int start = text.Length - text.AsSpan().TrimStart().Length;
        int end = text.AsSpan().TrimEnd().Length;
        if (start >= end)
        {
            return text;
        }

        string core = text[start..end];
        string before = _guarded!.BeginsInside(core) ? text[..start] + mark : text[..start];
        string after = _guarded.EndsInside(core) ? mark + text[end..] : text[end..];
        return before + core + after;
    }

    private IReadOnlyList<TokenId> EncodeTemplated(string text) =>
        _model.Tokenizer.Encode(text, new TokenizeOptions(AddSpecial: false, ParseSpecial: true));

    private IReadOnlyList<TokenId> EncodeMasked(string rendered, Dictionary<char, string> spellings)
    {
        if (spellings.Count == 0)
        {
            return EncodeTemplated(rendered);
        }

        List<TokenId> ids = [];
        int start = 0;
        for (int i = 0; i < rendered.Length;)
        {
            int length = TryReadEscape(rendered.AsSpan(i), out char character) ? EscapeLength : 1;
            if (spellings.TryGetValue(length == 1 ? rendered[i] : character, out string? spelling))
            {
                if (i > start)
                {
                    ids.AddRange(EncodeTemplated(rendered[start..i]));
                }

                ids.AddRange(_model.Tokenizer.Encode(spelling, new TokenizeOptions(AddSpecial: false, ParseSpecial: false)));
                start = i + length;
            }

            i += length;
        }

        if (start < rendered.Length)
        {
            ids.AddRange(EncodeTemplated(rendered[start..]));
        }

        return ids;
    }

    /// <summary>Private-use characters that stand nowhere in the chat, not even as an escape.</summary>
    private static Stack<char> FindUnused(ChatText chat)
    {
        HashSet<char> used = [];
        chat.ForEach(text =>
        {
            for (int i = 0; i < text.Length; i++)
            {
                if (text[i] is >= FirstPrivate and <= LastPrivate)
                {
                    used.Add(text[i]);
                }
                else if (TryReadEscape(text.AsSpan(i), out char character))
                {
                    used.Add(character);
                }
            }
        });
        Stack<char> free = new();
        for (int character = LastPrivate; character >= FirstPrivate; character--)
        {
            if (!used.Contains((char)character))
            {
                free.Push((char)character);
            }
        }

        return free;
    }

    private static char Take(Stack<char> free) => free.TryPop(out char character)
        ? character
        : throw new ApiException(ApiErrors.InvalidValue("messages", "they use every private-use character of Unicode; leave one out."));

    /// <summary>Reads <c>\uE000</c> as a template's JSON writer may spell it.</summary>
    private static bool TryReadEscape(ReadOnlySpan<char> text, out char character)
    {
        character = '\0';
        if (text.Length < EscapeLength
            || text[0] != '\\'
            || text[1] != 'u'
            || !ushort.TryParse(text[2..EscapeLength], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out ushort code))
        {
            return false;
        }

        character = (char)code;
        return true;
    }
}
