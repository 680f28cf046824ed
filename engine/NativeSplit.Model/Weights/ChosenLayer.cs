using NativeSplit.Model.Architectures;
using NativeSplit.Model.Files;

namespace NativeSplit.Model.Weights;

/// <summary>The tensors of one layer as they lie in the files.</summary>
/// <param name="experts">Experts of the layer; 0 for dense ones.</param>
internal sealed class ChosenLayer(int experts)
{
    private readonly StoredTensor?[] _tensors = new StoredTensor?[LayerTensorFacts.All.Count];
    private readonly Dictionary<LayerTensor, StoredTensor[]> _ofExperts = [];

    /// <summary>Experts of the layer.</summary>
    public int ExpertCount => experts;

    /// <summary>Every tensor.</summary>
    public IEnumerable<StoredTensor?> All => _tensors.Concat(_ofExperts.Values.SelectMany(tensors => tensors));

    /// <summary>A tensor of the layer; null when it has none.</summary>
    public StoredTensor? this[LayerTensor tensor]
    {
        get => _tensors[(int)tensor];
        set => _tensors[(int)tensor] = value;
    }

    /// <summary>The tensors of all experts where each has its own; null where they are stacked.</summary>
    public StoredTensor[]? OfExperts(LayerTensor tensor) => _ofExperts.GetValueOrDefault(tensor);

    /// <summary>Notes the tensor of one expert.</summary>
    public void SetOfExpert(LayerTensor tensor, int expert, StoredTensor stored)
    {
        if (!_ofExperts.TryGetValue(tensor, out var tensors))
        {
            tensors = new StoredTensor[experts];
            _ofExperts.Add(tensor, tensors);
        }

        tensors[expert] = stored;
    }
}
