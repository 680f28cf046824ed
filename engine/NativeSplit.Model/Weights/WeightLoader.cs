using NativeSplit.Kernels.Formats;
using NativeSplit.Model.Architectures;
using NativeSplit.Model.Files;

namespace NativeSplit.Model.Weights;

/// <summary>Chooses, checks and maps the tensors of a selection. The same for every file format.</summary>
/// <param name="path">The model, for messages.</param>
/// <param name="shape">Shape that the tensors must have.</param>
/// <param name="architecture">Which tensors there are.</param>
/// <param name="naming">What the format calls them.</param>
/// <param name="tied">Whether the head is the token embedding, whatever the file holds.</param>
/// <param name="store">The files; lent.</param>
/// <remarks>Safetensors may lie at any byte: kernels read bytes, so nothing here asks for alignment.</remarks>
internal sealed class WeightLoader(
    string path, ModelShape shape, Architecture architecture, TensorNaming naming, bool tied, WeightStore store)
{
    /// <summary>Maps a selection; see <see cref="ModelFile.Load"/>.</summary>
    public ModelWeights Load(WeightSelection selection)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(selection.Layers.End, shape.LayerCount, nameof(selection));
        RequireKnown(selection);
        var layers = new List<ChosenLayer>();
        for (int layer = selection.Layers.Start; layer < selection.Layers.End; layer++)
        {
            layers.Add(ChooseLayer(layer));
        }

        long[] table = [shape.VocabularySize, shape.HiddenSize];
        var embedding = selection.Embedding ? Require(naming.TokenEmbedding, table) : null;
        var output = selection.Head ? Require(HeadName, table) : null;
        var norm = selection.Head ? Require(naming.FinalNorm, [shape.HiddenSize]) : null;
        var normBias = selection.Head && architecture.Norm == NormKind.Layer ? Require(naming.FinalNormBias!, [shape.HiddenSize]) : null;
        var positions = selection.Embedding && architecture.LearnedPositions ? Require(naming.PositionEmbedding!, [shape.ContextLength, shape.HiddenSize]) : null;

        StoredTensor?[] ends = [embedding, output, norm, normBias, positions];
        var chosen = layers.SelectMany(layer => layer.All).Concat(ends).OfType<StoredTensor>().Distinct();
        using var mapping = new WeightMapping(shape, store, WeightExtent.Plan(chosen, store.Parts), GainOffset);
        var tokenEmbedding = embedding is null ? null : mapping.Matrix(embedding);
        var positionEmbedding = positions is null ? null : mapping.Matrix(positions);
        var head = output is null || norm is null
            ? null
            : new HeadWeights(mapping.Gain(norm), ReferenceEquals(output, embedding) ? tokenEmbedding! : mapping.Matrix(output)) { NormBias = mapping.Vector(normBias) };
        LayerWeights[] loaded = [.. layers.Select(mapping.Layer)];
        return mapping.Detach(selection.Layers, loaded, tokenEmbedding, positionEmbedding, head);
    }

    private float GainOffset => naming == TensorNaming.HuggingFace ? architecture.HuggingFaceGainOffset : 0f;

    private string HeadName => tied || !store.TryGet(naming.Output, out _) ? naming.TokenEmbedding : naming.Output;

    private ChosenLayer ChooseLayer(int layer)
    {
        var chosen = new ChosenLayer(shape.Experts?.Count ?? 0);
        foreach (var facts in LayerTensorFacts.All)
        {
            var presence = architecture.PresenceOf(facts.Tensor, shape);
            if (presence == Presence.Never)
            {
                continue;
            }

            if (facts.IsOfExperts && !naming.StacksExperts)
            {
                for (int expert = 0; expert < chosen.ExpertCount; expert++)
                {
                    chosen.SetOfExpert(facts.Tensor, expert, Require(NameOf(facts.Tensor, layer, expert), facts.Shape(shape)));
                }

                continue;
            }

            string name = NameOf(facts.Tensor, layer, expert: 0);
            if (presence == Presence.Always || store.TryGet(name, out _))
            {
                long[] expected = facts.IsOfExperts ? [chosen.ExpertCount, .. facts.Shape(shape)] : facts.Shape(shape);
                chosen[facts.Tensor] = Require(name, expected);
            }
        }

        return chosen;
    }

    private string NameOf(LayerTensor tensor, int layer, int expert) => naming.Of(architecture, tensor, layer, expert)
        ?? throw new InvalidOperationException($"No file of a {architecture.Name} model in this format has a name for {tensor}.");

    private StoredTensor Require(string name, long[] expected)
    {
        if (!store.TryGet(name, out var tensor))
        {
            throw new ModelException(
                ModelFault.Corrupt, $"{path}: tensor '{name}' is missing, which every {architecture.Name} model has. Download or convert the model again.");
        }

        // Extents of 1 on the outside change nothing, and some tools write them.
        if (!tensor.Info.Shape.SkipWhile((extent, axis) => extent == 1 && axis < tensor.Info.Shape.Count - expected.Length).SequenceEqual(expected))
        {
            throw new ModelException(
                ModelFault.Corrupt, $"{path}: tensor '{name}' has shape [{string.Join(", ", tensor.Info.Shape)}], the model's configuration asks for [{string.Join(", ", expected)}]. They don't belong together; download or convert the model again.");
        }

        RequireType(tensor, isVector: expected.Length == 1);
        return tensor;
    }

    private void RequireType(StoredTensor tensor, bool isVector)
    {
        if (isVector ? !FloatVector.IsSupported(tensor.Type) : tensor.Type is null)
        {
            string supported = isVector ? "F32, F16, BF16" : string.Join(", ", BlockFormat.Supported);
            throw new ModelException(
                ModelFault.Unsupported, $"{path}: tensor '{tensor.Info.Name}' has type {tensor.Info.TypeName}; supported here are {supported}. Use the model in one of these types.");
        }
    }

    // A tensor that the forward pass doesn't know would be left out in silence, and the answer would be wrong.
    private void RequireKnown(WeightSelection selection)
    {
        var known = new HashSet<string>(KnownNames(selection.Layers), StringComparer.Ordinal);
        foreach (var tensor in store.Tensors)
        {
            string name = tensor.Info.Name;
            bool isKnown = tensor.Info.Layer is not { } layer ? naming.IsKnownEnd(architecture, name) : !selection.Layers.Contains(layer) || known.Contains(name);
            if (!isKnown && !naming.IsIgnored(name))
            {
                throw new ModelException(
                    ModelFault.Unsupported, $"{path}: tensor '{name}' isn't part of a {architecture.Name} model as it is computed here; without it the results would be wrong.");
            }
        }
    }

    private IEnumerable<string> KnownNames(LayerRange layers)
    {
        for (int layer = layers.Start; layer < layers.End; layer++)
        {
            foreach (var facts in LayerTensorFacts.All.Where(facts => architecture.PresenceOf(facts.Tensor, shape) != Presence.Never))
            {
                int copies = facts.IsOfExperts && !naming.StacksExperts ? shape.Experts!.Count : 1;
                for (int copy = 0; copy < copies; copy++)
                {
                    yield return NameOf(facts.Tensor, layer, copy);
                }
            }
        }
    }
}
