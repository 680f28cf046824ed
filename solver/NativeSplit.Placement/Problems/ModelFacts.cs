using NativeSplit.Model.Files;

namespace NativeSplit.Placement.Problems;

/// <summary>Which layers only trusted nodes may run.</summary>
public enum PrivacyPolicy
{
    /// <summary>None: every node may run every layer.</summary>
    None,

    /// <summary>The first max(4, K/4) and the last 2. It makes what untrusted nodes see harder to read, not unreadable.</summary>
    Relaxed,

    /// <summary>All.</summary>
    Strict,
}

/// <summary>What the solver must know of a model.</summary>
public static class ModelFacts
{
    private const int LeastPrefix = 4;
    private const int Suffix = 2;

    /// <summary>Facts of each layer, in order.</summary>
    /// <param name="model">The model.</param>
    /// <param name="policy">Which layers are privacy-critical.</param>
    public static IReadOnlyList<LayerFacts> LayersOf(ModelFile model, PrivacyPolicy policy)
    {
        ArgumentNullException.ThrowIfNull(model);
        int count = model.Shape.LayerCount;
        long[] bytes = new long[count];
        foreach (var tensor in model.Tensors)
        {
            if (tensor.Layer is { } layer)
            {
                bytes[layer] += tensor.ByteLength;
            }
        }

        (int prefix, int suffix) = policy switch
        {
            PrivacyPolicy.None => (0, 0),
            PrivacyPolicy.Relaxed => (Math.Max(LeastPrefix, count / 4), Suffix),
            PrivacyPolicy.Strict => (count, 0),
            _ => throw new ArgumentOutOfRangeException(nameof(policy), policy, "No such policy."),
        };
        IReadOnlyList<int> shares = Sensitivity.Decaying(count);
        return [.. Enumerable.Range(0, count).Select(u => new LayerFacts
        {
            WeightBytes = bytes[u],
            KvBytesPerToken = model.Shape.KeyValueBytesPerTokenPerLayer,
            IsPrivacyCritical = u < prefix || u >= count - suffix,
            Sensitivity = shares[u],
        })];
    }

    /// <summary>Bytes of embedding and head.</summary>
    /// <param name="model">The model.</param>
    public static long EndBytesOf(ModelFile model)
    {
        ArgumentNullException.ThrowIfNull(model);
        return model.Tensors.Where(tensor => tensor.Layer is null).Sum(tensor => tensor.ByteLength);
    }
}
