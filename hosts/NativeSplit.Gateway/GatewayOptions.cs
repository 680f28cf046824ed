using System.Globalization;
using System.Net;

namespace NativeSplit.Gateway;

/// <summary>Where the gateway listens and what it accepts. Checked once, by <see cref="GatewayServer.StartAsync"/>.</summary>
public sealed record GatewayOptions
{
    /// <summary>Address to listen on. Loopback unless said otherwise; set <see cref="ApiKeys"/> before you open it to a network.</summary>
    public IPAddress ListenAddress { get; init; } = IPAddress.Loopback;

    /// <summary>TCP port, 0 to 65535; 0 takes a free one, which <see cref="GatewayServer.Url"/> tells.</summary>
    public int Port { get; init; }

    /// <summary>A request to <c>/v1</c> must carry one of these as <c>Authorization: Bearer KEY</c>; empty: no key is asked for.</summary>
    public IReadOnlyList<string> ApiKeys { get; init; } = [];

    /// <summary>Bytes of a request body at most. A longer one gets 413.</summary>
    public long MaxRequestBodyBytes { get; init; } = 4 * 1024 * 1024;

    /// <summary>UTF-16 characters of a prompt at most, chat template included. A longer one gets 400 before it is tokenized.</summary>
    public int MaxPromptCharacters { get; init; } = 2 * 1024 * 1024;

    /// <summary>
    /// Tokens to generate at most when a request doesn't say; null: what the model ships, else up to the end of the context for a chat
    /// and 16 for a text completion (OpenAI API).
    /// </summary>
    public int? DefaultMaxTokens { get; init; }

    /// <summary>Connections at a time at most; null for no limit.</summary>
    public long? MaxConnections { get; init; } = 1024;

    /// <summary>What <c>Retry-After</c> says when there is no room for a request now. Whole seconds, at least one.</summary>
    public TimeSpan RetryAfter { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>
    /// How long a stream waits for its first token before it sends its headers. Until then a failure gets a proper HTTP status;
    /// afterwards the client knows that the request lives.
    /// </summary>
    public TimeSpan StreamStartDelay { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>How long <see cref="GatewayServer.StopAsync"/> waits for running requests before it cuts their connections.</summary>
    public TimeSpan ShutdownTimeout { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>
    /// Whether the written form of a special token inside a chat message becomes that token. False by default: whoever writes a
    /// message could otherwise close their turn and speak as the system or the assistant.
    /// </summary>
    public bool AllowSpecialTokensInContent { get; init; }

    /// <exception cref="GatewayException"><see cref="GatewayFault.InvalidOptions"/>.</exception>
    internal void Validate()
    {
        Check(Port is >= 0 and <= IPEndPoint.MaxPort, nameof(Port), Port, "0 to 65535");
        Check(MaxRequestBodyBytes > 0, nameof(MaxRequestBodyBytes), MaxRequestBodyBytes, "a positive number of bytes");
        Check(MaxPromptCharacters > 0, nameof(MaxPromptCharacters), MaxPromptCharacters, "a positive number of characters");
        Check(DefaultMaxTokens is null or > 0, nameof(DefaultMaxTokens), DefaultMaxTokens, "null or a positive number of tokens");
        Check(MaxConnections is null or > 0, nameof(MaxConnections), MaxConnections, "null or a positive number of connections");
        Check(RetryAfter >= TimeSpan.FromSeconds(1), nameof(RetryAfter), RetryAfter, "one second or more");
        Check(StreamStartDelay >= TimeSpan.Zero, nameof(StreamStartDelay), StreamStartDelay, "zero or more");
        Check(ShutdownTimeout >= TimeSpan.Zero, nameof(ShutdownTimeout), ShutdownTimeout, "zero or more");
        foreach (string key in ApiKeys)
        {
            // The value stays out of the message: it is a secret.
            bool good = !string.IsNullOrWhiteSpace(key) && key == key.Trim();
            Check(good, nameof(ApiKeys), "a blank or padded key", "keys without blanks around");
        }
    }

    private static void Check(bool holds, string option, object? value, string expected)
    {
        if (!holds)
        {
            throw new GatewayException(
                GatewayFault.InvalidOptions,
                string.Create(CultureInfo.InvariantCulture, $"Gateway option {option} is {value}; it must be {expected}."));
        }
    }
}
