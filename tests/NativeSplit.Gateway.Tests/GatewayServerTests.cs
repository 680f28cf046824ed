using System.Globalization;
using System.Net;
using Microsoft.Extensions.Logging;
using NativeSplit.Engine;
using NativeSplit.Gateway.Tests.Fakes;

namespace NativeSplit.Gateway.Tests;

public sealed class GatewayServerTests
{
    [Fact]
    public async Task Start_NamesThePort_WhenItIsInUse()
    {
        await using TestGateway first = await TestGateway.StartAsync(ScriptedGenerator.Saying("x"));
        int port = first.Server.Url.Port;
        GatewayException refusal = await Assert.ThrowsAsync<GatewayException>(
            () => TestGateway.StartAsync(ScriptedGenerator.Saying("x"), new GatewayOptions { Port = port }));
        Assert.Equal(GatewayFault.PortInUse, refusal.Fault);
        Assert.Contains($"127.0.0.1:{port.ToString(CultureInfo.InvariantCulture)}", refusal.Message, StringComparison.Ordinal);
        Assert.Contains("Choose another port", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Port_IsFreeAgain_AfterDispose()
    {
        TestGateway first = await TestGateway.StartAsync(ScriptedGenerator.Saying("x"));
        int port = first.Server.Url.Port;
        await first.DisposeAsync();
        await first.Server.DisposeAsync();
        await using TestGateway second = await TestGateway.StartAsync(ScriptedGenerator.Saying("x"), new GatewayOptions { Port = port });
        Assert.Equal(new Uri($"http://127.0.0.1:{port}/"), second.Server.Url);
        await TestGateway.JsonAsync(await second.ChatAsync());
    }

    [Fact]
    public async Task Start_NamesTheAddress_WhenItIsNotOfThisMachine()
    {
        // TEST-NET-1 (RFC 5737): never an address of a machine.
        GatewayException refusal = await Assert.ThrowsAsync<GatewayException>(
            () => TestGateway.StartAsync(ScriptedGenerator.Saying("x"), new GatewayOptions { ListenAddress = IPAddress.Parse("192.0.2.1") }));
        Assert.Equal(GatewayFault.AddressUnavailable, refusal.Fault);
        Assert.Contains("192.0.2.1", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Start_NamesTheOption_WhenItIsOutOfRange()
    {
        (GatewayOptions Options, string Name)[] cases =
        [
            (new() { Port = 65536 }, nameof(GatewayOptions.Port)),
            (new() { Port = -1 }, nameof(GatewayOptions.Port)),
            (new() { MaxRequestBodyBytes = 0 }, nameof(GatewayOptions.MaxRequestBodyBytes)),
            (new() { MaxPromptCharacters = 0 }, nameof(GatewayOptions.MaxPromptCharacters)),
            (new() { DefaultMaxTokens = 0 }, nameof(GatewayOptions.DefaultMaxTokens)),
            (new() { MaxConnections = 0 }, nameof(GatewayOptions.MaxConnections)),
            (new() { RetryAfter = TimeSpan.Zero }, nameof(GatewayOptions.RetryAfter)),
            (new() { StreamStartDelay = TimeSpan.FromSeconds(-1) }, nameof(GatewayOptions.StreamStartDelay)),
            (new() { ShutdownTimeout = TimeSpan.FromSeconds(-1) }, nameof(GatewayOptions.ShutdownTimeout)),
            (new() { ApiKeys = [" hidden "] }, nameof(GatewayOptions.ApiKeys)),
        ];
        foreach ((GatewayOptions options, string name) in cases)
        {
            GatewayException refusal = await Assert.ThrowsAsync<GatewayException>(() => TestGateway.StartAsync(ScriptedGenerator.Saying("x"), options));
            Assert.Equal(GatewayFault.InvalidOptions, refusal.Fault);
            Assert.Contains(name, refusal.Message, StringComparison.Ordinal);
            Assert.DoesNotContain("hidden", refusal.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Start_Refuses_WithoutModelsOrWithOneNameTwice()
    {
        GatewayException none = await Assert.ThrowsAsync<GatewayException>(
            () => GatewayServer.StartAsync(new GatewayOptions(), [], null, TestGateway.Cancellation));
        Assert.Equal(GatewayFault.InvalidOptions, none.Fault);
        GatewayException twice = await Assert.ThrowsAsync<GatewayException>(
            () => TestGateway.StartAsync(ScriptedGenerator.Saying("x"), change: model => model with { Aliases = [TestGateway.ModelName] }));
        Assert.Contains($"'{TestGateway.ModelName}'", twice.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Log_TellsOfFailures_ButNeverOfPrompts()
    {
        using RecordingLoggers loggers = new();
        await using (TestGateway gateway = await TestGateway.StartAsync(
            new ScriptedGenerator((_, _) => ScriptedGenerator.SayAndFail(new EngineException(EngineFault.PathBroken, "Worker b is lost."))), loggers: loggers))
        {
            using HttpResponseMessage response = await gateway.PostAsync("/v1/completions", """{"model":"toy","prompt":"my diary"}""");
            Assert.Equal(HttpStatusCode.BadGateway, response.StatusCode);
            string requestId = Assert.Single(response.Headers.GetValues("x-request-id"));
            Assert.Contains(loggers.Lines, line => line.Contains("Worker b is lost.", StringComparison.Ordinal) && line.Contains(requestId, StringComparison.Ordinal));
        }

        Assert.DoesNotContain(loggers.Lines, line => line.Contains("diary", StringComparison.Ordinal));
    }

    private sealed class RecordingLoggers : ILoggerFactory, ILogger
    {
        private readonly List<string> _lines = [];

        public IReadOnlyList<string> Lines
        {
            get
            {
                lock (_lines)
                {
                    return [.. _lines];
                }
            }
        }

        public ILogger CreateLogger(string categoryName) => this;

        public void AddProvider(ILoggerProvider provider)
        {
        }

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            lock (_lines)
            {
                _lines.Add($"{formatter(state, exception)} {exception}");
            }
        }

        public void Dispose()
        {
        }
    }
}
