using NativeSplit.Kernels;
using NativeSplit.Kernels.Formats;
using NativeSplit.Kernels.Memory;
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
        var layers = new List<StoredTensor?[]>();
        for (int layer = selection.Layers.Start; layer < selection.Layers.End; layer++)
        {
            layers.Add(ChooseLayer(layer));
        }

        long[] table = [shape.VocabularySize, shape.HiddenSize];
        var embedding = selection.Embedding ? Require(naming.TokenEmbedding, table) : null;
        var output = selection.Head ? Require(HeadName, table) : null;
        var norm = selection.Head ? Require(naming.FinalNorm, [shape.HiddenSize]) : null;

        var chosen = layers.SelectMany(tensors => tensors).Append(embedding).Append(output).Append(norm).OfType<StoredTensor>().Distinct();
        using var mapping = new Mapping(store, WeightExtent.Plan(chosen, store.Parts));
        var tokenEmbedding = embedding is null ? null : mapping.Matrix(embedding);
        var head = output is null || norm is null
            ? null
            : new HeadWeights(mapping.Vector(norm), ReferenceEquals(output, embedding) ? tokenEmbedding! : mapping.Matrix(output));
        LayerWeights[] loaded = [.. layers.Select(mapping.Layer)];
        return mapping.Detach(selection.Layers, loaded, tokenEmbedding, head);
    }

    private string HeadName => tied || !store.TryGet(naming.Output, out _) ? naming.TokenEmbedding : naming.Output;

    private StoredTensor?[] ChooseLayer(int layer)
    {
        var tensors = new StoredTensor?[LayerTensorFacts.All.Count];
        foreach (var facts in LayerTensorFacts.All)
        {
            string name = naming.Of(facts.Tensor, layer);
            var presence = architecture.PresenceOf(facts.Tensor);
            if (presence == Presence.Always || (presence == Presence.Optional && store.TryGet(name, out _)))
            {
                tensors[(int)facts.Tensor] = Require(name, facts.Shape(shape));
            }
        }

        return tensors;
    }

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
        foreach (var tensor in store.Tensors)
        {
            string name = tensor.Info.Name;
            bool known = tensor.Info.Layer is not { } layer ? naming.IsKnownEnd(name) : !selection.Layers.Contains(layer) || IsKnown(name, layer);
            if (!known && !naming.IsIgnored(name))
            {
                throw new ModelException(
                    ModelFault.Unsupported, $"{path}: tensor '{name}' isn't part of a {architecture.Name} model as it is computed here; without it the results would be wrong.");
            }
        }
    }

    private bool IsKnown(string name, int layer) => LayerTensorFacts.All.Any(
        facts => architecture.PresenceOf(facts.Tensor) != Presence.Never && naming.Of(facts.Tensor, layer) == name);

    /// <summary>Regions that are being filled into weights; unmaps them unless they are detached.</summary>
    private sealed class Mapping : IDisposable
    {
        private readonly List<(WeightExtent Extent, MemoryRegion Region)> _mapped = [];
        private readonly HashSet<MemoryRegion> _lent = [];
        private readonly Dictionary<WeightMatrix, IDisposable> _homes = [];

        public Mapping(WeightStore store, List<WeightExtent> extents)
        {
            try
            {
                foreach (var extent in extents)
                {
                    _mapped.Add((extent, store.Map(extent.Part, extent.Offset, extent.Length)));
                }
            }
            catch
            {
                Dispose();
                throw;
            }
        }

        public WeightMatrix Matrix(StoredTensor tensor)
        {
            var (extent, region) = Find(tensor);
            _lent.Add(region);
            var matrix = new WeightMatrix(region, tensor.Offset - extent.Offset, tensor.Type!.Value, (int)tensor.Info.Shape[^2], (int)tensor.Info.Shape[^1]);
            _homes.Add(matrix, region);
            return matrix;
        }

        public ReadOnlyMemory<float> Vector(StoredTensor? tensor)
        {
            if (tensor is null)
            {
                return default;
            }

            var (extent, region) = Find(tensor);
            return FloatVector.Widen(region.Borrow(tensor.Offset - extent.Offset, (int)tensor.Info.ByteLength), tensor.Type!.Value, (int)tensor.Info.Shape[^1]);
        }

        public LayerWeights Layer(StoredTensor?[] tensors)
        {
            return new LayerWeights
            {
                AttentionNorm = VectorOf(LayerTensor.AttentionNorm),
                Query = MatrixOf(LayerTensor.Query),
                Key = MatrixOf(LayerTensor.Key),
                Value = MatrixOf(LayerTensor.Value),
                AttentionOutput = MatrixOf(LayerTensor.AttentionOutput),
                QueryBias = VectorOf(LayerTensor.QueryBias),
                KeyBias = VectorOf(LayerTensor.KeyBias),
                ValueBias = VectorOf(LayerTensor.ValueBias),
                AttentionOutputBias = VectorOf(LayerTensor.AttentionOutputBias),
                QueryNorm = VectorOf(LayerTensor.QueryNorm),
                KeyNorm = VectorOf(LayerTensor.KeyNorm),
                FeedForwardNorm = VectorOf(LayerTensor.FeedForwardNorm),
                Gate = MatrixOf(LayerTensor.Gate),
                Up = MatrixOf(LayerTensor.Up),
                Down = MatrixOf(LayerTensor.Down),
            };

            WeightMatrix MatrixOf(LayerTensor tensor) => Matrix(tensors[(int)tensor]!);
            ReadOnlyMemory<float> VectorOf(LayerTensor tensor) => Vector(tensors[(int)tensor]);
        }

        /// <summary>Hands the regions that matrices lie in to the weights; those of vectors alone have done their work.</summary>
        public ModelWeights Detach(LayerRange range, LayerWeights[] layers, WeightMatrix? tokenEmbedding, HeadWeights? head)
        {
            var kept = _mapped.FindAll(entry => _lent.Contains(entry.Region));
            _mapped.RemoveAll(entry => _lent.Contains(entry.Region));
            return new ModelWeights(
                range, layers, tokenEmbedding, head, kept.Sum(entry => entry.Extent.Length), [.. kept.Select(entry => entry.Region)], _homes)
            {
                Extents = [.. kept.Select(entry => entry.Extent)],
            };
        }

        public void Dispose()
        {
            foreach (var (_, region) in _mapped)
            {
                region.Dispose();
            }
        }

        private (WeightExtent Extent, MemoryRegion Region) Find(StoredTensor tensor) => _mapped.Find(entry => entry.Extent.Contains(tensor));
    }
}
