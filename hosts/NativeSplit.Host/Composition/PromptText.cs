using NativeSplit.Model;
using NativeSplit.Model.Tokenization;

namespace NativeSplit.Host.Composition;

/// <summary>Turns what a person typed into the ids to continue.</summary>
internal static class PromptText
{
    /// <param name="model">The model.</param>
    /// <param name="text">What was typed.</param>
    /// <param name="raw">Continue the text as it is, even if the model has a chat template.</param>
    public static IReadOnlyList<TokenId> Encode(LoadedModel model, string text, bool raw)
    {
        if (raw || model.ChatTemplate is null)
        {
            return model.Tokenizer.Encode(text, new TokenizeOptions(AddSpecial: true, ParseSpecial: false));
        }

        string rendered = model.ChatTemplate.Render([new ChatMessage("user", text)], tools: null, addGenerationPrompt: true);
        return model.Tokenizer.Encode(rendered, new TokenizeOptions(AddSpecial: false, ParseSpecial: true));
    }
}
