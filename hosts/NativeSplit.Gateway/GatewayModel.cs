using System.Text.Json.Nodes;
using NativeSplit.Engine.Generation;
using NativeSplit.Model.Files;
using NativeSplit.Model.Tokenization;

namespace NativeSplit.Gateway;

/// <summary>Renders a chat to the prompt a model was trained on; <see cref="ChatTemplate.Render"/> is one.</summary>
/// <param name="messages">The chat so far.</param>
/// <param name="tools">Tools on offer, as in the OpenAI API; null for none.</param>
/// <param name="addGenerationPrompt">Whether to open the assistant's turn.</param>
/// <exception cref="NativeSplit.Model.ModelException">The template refused the chat or failed.</exception>
public delegate string RenderChat(IReadOnlyList<ChatMessage> messages, JsonArray? tools, bool addGenerationPrompt);

/// <summary>One model that the gateway serves. Its parts outlive the gateway, which owns none of them.</summary>
public sealed record GatewayModel
{
    /// <summary>Name that requests give in <c>model</c>.</summary>
    public required string Name { get; init; }

    /// <summary>Other names the model answers to.</summary>
    public IReadOnlyList<string> Aliases { get; init; } = [];

    /// <summary>Continues the texts.</summary>
    public required ITextGenerator Generator { get; init; }

    /// <summary>Turns prompts into ids.</summary>
    public required Tokenizer Tokenizer { get; init; }

    /// <summary>The model's chat template (<c>RenderChat = template.Render</c>); null: the model takes text completions only.</summary>
    public RenderChat? RenderChat { get; init; }

    /// <summary>Sampling settings that apply where a request says nothing.</summary>
    public GenerationDefaults Defaults { get; init; } = GenerationDefaults.None;

    /// <summary>When the model was made or loaded; <c>created</c> in the list of models.</summary>
    public DateTimeOffset Created { get; init; } = DateTimeOffset.UnixEpoch;

    /// <summary>What <c>system_fingerprint</c> says: changes when the same seed may give another text. Null: unknown.</summary>
    public string? SystemFingerprint { get; init; }

    /// <summary>Whether requests can be served now; asked by <c>/readyz</c>. Null: always.</summary>
    public Func<bool>? IsReady { get; init; }
}
