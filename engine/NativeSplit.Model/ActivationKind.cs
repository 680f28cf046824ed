namespace NativeSplit.Model;

/// <summary>What lies between the matrices of a feed-forward block.</summary>
public enum ActivationKind
{
    /// <summary>SiLU(gate)·up.</summary>
    SiluGated,

    /// <summary>GELU(gate)·up, in the tanh form.</summary>
    GeluGated,

    /// <summary>GELU(up), in the tanh form, without a gate.</summary>
    Gelu,
}
