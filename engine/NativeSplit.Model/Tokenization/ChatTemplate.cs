using System.Text.Json.Nodes;

namespace NativeSplit.Model.Tokenization;

/// <summary>The Jinja template that turns a chat into the prompt a model was trained on.</summary>
public sealed class ChatTemplate
{
    /// <summary>Parses a template.</summary>
    /// <param name="source">Jinja source, from the model file.</param>
    /// <param name="tokenizer">Gives <c>bos_token</c> and <c>eos_token</c>.</param>
    /// <exception cref="ModelException">The source can't be parsed or uses a construct outside the supported subset; the message names it and its line.</exception>
    public ChatTemplate(string source, Tokenizer tokenizer) => throw new NotImplementedException();

    /// <summary>Renders a chat. Encode the result with <c>AddSpecial: false, ParseSpecial: true</c>.</summary>
    /// <param name="messages">The chat so far.</param>
    /// <param name="tools">Tools on offer, as in the OpenAI API; null for none.</param>
    /// <param name="addGenerationPrompt">Whether to open the assistant's turn.</param>
    /// <exception cref="ModelException">The template refused the chat (<c>raise_exception</c>) or failed.</exception>
    public string Render(IReadOnlyList<ChatMessage> messages, JsonArray? tools, bool addGenerationPrompt) => throw new NotImplementedException();
}
