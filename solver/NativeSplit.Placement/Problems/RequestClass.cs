namespace NativeSplit.Placement.Problems;

/// <summary>Requests of one kind.</summary>
public sealed record RequestClass
{
    /// <summary>Name, for messages.</summary>
    public required string Name { get; init; }

    /// <summary>Tokens of a prompt.</summary>
    public required int PromptTokens { get; init; }

    /// <summary>Tokens of an answer. The first comes from the prefill, each other takes a decode step.</summary>
    public required int OutputTokens { get; init; }

    /// <summary>Arrival rate, in requests per 1000 s. Its share of all rates is the weight of the class.</summary>
    public required long RequestsPerKilosecond { get; init; }

    /// <summary>Wanted time to the first token, in µs.</summary>
    public required long TtftSloMicroseconds { get; init; }

    /// <summary>Wanted time per further token, in µs.</summary>
    public required long TpotSloMicroseconds { get; init; }

    /// <summary>True when every layer that such a request meets must be on a trusted node.</summary>
    public bool IsPrivate { get; init; }
}
