using NativeSplit.Gateway.Http;
using NativeSplit.Gateway.Requests;
using NativeSplit.Model;
using NativeSplit.Model.Tokenization;

namespace NativeSplit.Gateway.Prompts;

/// <summary>Turns the prompt of a text completion into ids.</summary>
/// <remarks>
/// A text prompt is the model's whole input, written by one hand, so special tokens in it are recognised: that is how a client formats
/// a chat by itself. A client that mixes in text of others sends ids.
/// </remarks>
internal static class CompletionPrompt
{
    /// <exception cref="ApiException">The prompt is too long or empty.</exception>
    public static IReadOnlyList<TokenId> Encode(CompletionRequest request, GatewayModel model, int maxCharacters)
    {
        if (request.Tokens is { } tokens)
        {
            return tokens;
        }

        string text = request.Text!;
        if (text.Length > maxCharacters)
        {
            throw new ApiException(ApiErrors.LongText("prompt", maxCharacters, text.Length));
        }

        IReadOnlyList<TokenId> ids = model.Tokenizer.Encode(text, new TokenizeOptions(AddSpecial: true, ParseSpecial: true));
        if (ids.Count == 0)
        {
            throw new ApiException(ApiErrors.InvalidValue("prompt", "it must not be empty: this model has no token that begins a text."));
        }

        // A prompt that spells the first token by itself would get it twice.
        return ids.Count > 1 && ids[0] == model.Tokenizer.BeginOfText && ids[1] == ids[0] ? [.. ids.Skip(1)] : ids;
    }
}
