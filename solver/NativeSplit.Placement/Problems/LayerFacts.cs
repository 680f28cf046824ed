namespace NativeSplit.Placement.Problems;

/// <summary>What the solver must know of one layer.</summary>
public sealed record LayerFacts
{
    /// <summary>Bytes of the weights, as they lie in memory.</summary>
    public required long WeightBytes { get; init; }

    /// <summary>Bytes of keys and values that the layer keeps per token.</summary>
    public required long KvBytesPerToken { get; init; }

    /// <summary>Work of a prefill row against the layer that the nodes were measured on, in 1/1000.</summary>
    public int PrefillWork { get; init; } = 1000;

    /// <summary>Work of a decode step against the layer that the nodes were measured on, in 1/1000.</summary>
    public int DecodeWork { get; init; } = 1000;

    /// <summary>True when the layer may run on trusted nodes only.</summary>
    public bool IsPrivacyCritical { get; init; }

    /// <summary>Share of what the model's activations give away, in 1e-5; the shares of all layers sum to 100,000.</summary>
    public required int Sensitivity { get; init; }
}

/// <summary>The embedding and the head. Both stay at the origin, so they cost the same under every plan, but they take room and load there.</summary>
public sealed record EndFacts
{
    /// <summary>Bytes of both.</summary>
    public required long WeightBytes { get; init; }

    /// <summary>Time per prompt: embedding of its rows and head of its last row, in µs.</summary>
    public required long PrefillMicroseconds { get; init; }

    /// <summary>Time per decode step, in µs.</summary>
    public required long DecodeMicroseconds { get; init; }
}
