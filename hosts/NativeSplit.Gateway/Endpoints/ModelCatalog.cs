using NativeSplit.Gateway.Http;
using NativeSplit.Gateway.Prompts;
using NativeSplit.Gateway.Requests;

namespace NativeSplit.Gateway.Endpoints;

/// <summary>A model with what the gateway prepared for it.</summary>
/// <param name="Model">The model.</param>
/// <param name="ChatPrompt">Makes prompts of chats; null for a model without a chat template.</param>
internal sealed record ServedModel(GatewayModel Model, ChatPromptEncoder? ChatPrompt);

/// <summary>The served models by each of their names, in the order they were given.</summary>
internal sealed class ModelCatalog
{
    private readonly Dictionary<string, ServedModel> _byName = new(StringComparer.Ordinal);
    private readonly List<(string Name, GatewayModel Model)> _inOrder = [];

    /// <exception cref="GatewayException"><see cref="GatewayFault.InvalidOptions"/>: no model, or an empty or repeated name.</exception>
    public ModelCatalog(IReadOnlyList<GatewayModel> models, GatewayOptions options)
    {
        if (models.Count == 0)
        {
            throw new GatewayException(GatewayFault.InvalidOptions, "The gateway has no model to serve. Give it at least one.");
        }

        foreach (GatewayModel model in models)
        {
            ChatPromptEncoder? chatPrompt = model.RenderChat is null
                ? null
                : new ChatPromptEncoder(model, options.MaxPromptCharacters, options.AllowSpecialTokensInContent);
            ServedModel served = new(model, chatPrompt);
            foreach (string name in (IEnumerable<string>)[model.Name, .. model.Aliases])
            {
                if (string.IsNullOrWhiteSpace(name) || !_byName.TryAdd(name, served))
                {
                    throw new GatewayException(
                        GatewayFault.InvalidOptions,
                        $"The model name '{name}' is empty or given twice. Every served name must be its own.");
                }

                _inOrder.Add((name, model));
            }
        }
    }

    /// <summary>Every name with its model.</summary>
    public IReadOnlyList<(string Name, GatewayModel Model)> All => _inOrder;

    /// <summary>Whether every model can serve now.</summary>
    public bool AllReady => _inOrder.TrueForAll(entry => entry.Model.IsReady?.Invoke() ?? true);

    /// <summary>The model that a request names in <c>model</c>.</summary>
    /// <exception cref="ApiException">There is no such field or no such model.</exception>
    public (string Name, ServedModel Model) Resolve(RequestFields fields)
    {
        string name = fields.Text("model") ?? throw new ApiException(ApiErrors.NoModelField);
        return (name, Find(name));
    }

    /// <exception cref="ApiException">There is no such model.</exception>
    public ServedModel Find(string name) =>
        _byName.TryGetValue(name, out ServedModel? model) ? model : throw new ApiException(ApiErrors.UnknownModel(name));
}
