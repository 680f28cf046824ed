using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using NativeSplit.Gateway.Endpoints;
using NativeSplit.Gateway.Http;

namespace NativeSplit.Gateway;

/// <summary>
/// The OpenAI-compatible HTTP API, running: <c>POST /v1/chat/completions</c>, <c>POST /v1/completions</c>, <c>GET /v1/models</c>,
/// <c>GET /v1/models/{id}</c>, <c>GET /healthz</c>, <c>GET /readyz</c>.
/// </summary>
/// <remarks>
/// Plain HTTP/1.1: put a TLS proxy before it where the network isn't trusted. Reads no configuration from files or environment, writes
/// to the given loggers only, and leaves signals to the process. Safe from any thread.
/// </remarks>
public sealed class GatewayServer : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly CancellationTokenSource _stopping;
    private int _disposed;

    private GatewayServer(WebApplication app, CancellationTokenSource stopping, Uri url)
    {
        _app = app;
        _stopping = stopping;
        Url = url;
    }

    /// <summary>Where the gateway listens, with the actual port: <c>http://127.0.0.1:8080/</c>.</summary>
    public Uri Url { get; }

    /// <summary>Starts the gateway; when the task ends it accepts requests.</summary>
    /// <param name="options">Where it listens and what it accepts.</param>
    /// <param name="models">The models it serves; at least one.</param>
    /// <param name="loggerFactory">Where it logs; null: nowhere. Not disposed.</param>
    /// <param name="cancellationToken">Ends the start.</param>
    /// <exception cref="GatewayException">An option is wrong, or the gateway can't listen there.</exception>
    public static async Task<GatewayServer> StartAsync(
        GatewayOptions options, IReadOnlyList<GatewayModel> models, ILoggerFactory? loggerFactory, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(models);
        options.Validate();
        ModelCatalog catalog = new(models, options);
        ILoggerFactory loggers = loggerFactory ?? NullLoggerFactory.Instance;
        CancellationTokenSource stopping = new();
        WebApplication app = Build(options, catalog, loggers, stopping.Token);
        try
        {
            await app.StartAsync(cancellationToken);
        }
        catch (Exception exception)
        {
            await app.DisposeAsync();
            stopping.Dispose();
            if (Explain(options, exception) is { } known)
            {
                throw known;
            }

            throw;
        }

        Uri url = new(app.Urls.First());
        ILogger logger = loggers.CreateLogger<GatewayServer>();
        logger.LogInformation("The gateway serves {Models} on {Url}", string.Join(", ", catalog.All.Select(entry => entry.Name)), url);
        if (!IPAddress.IsLoopback(options.ListenAddress) && options.ApiKeys.Count == 0)
        {
            logger.LogWarning("The gateway is open to the network on {Url} and asks for no API key", url);
        }

        return new GatewayServer(app, stopping, url);
    }

    /// <summary>
    /// Stops: new requests get 503, running streams end with an error event, running whole answers with 503. Connections that still
    /// hang after <see cref="GatewayOptions.ShutdownTimeout"/> are cut. Stopping twice is harmless.
    /// </summary>
    /// <param name="cancellationToken">Cuts the connections at once.</param>
    public async Task StopAsync(CancellationToken cancellationToken)
    {
        await _stopping.CancelAsync();
        await _app.StopAsync(cancellationToken);
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) == 0)
        {
            await StopAsync(CancellationToken.None);
            await _app.DisposeAsync();
            _stopping.Dispose();
        }
    }

    private static WebApplication Build(GatewayOptions options, ModelCatalog catalog, ILoggerFactory loggers, CancellationToken stopping)
    {
        WebApplicationBuilder builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore();
        builder.WebHost.ConfigureKestrel(kestrel => Configure(kestrel, options));
        builder.Services.AddRoutingCore();
        builder.Services.Replace(ServiceDescriptor.Singleton(loggers));
        builder.Services.Replace(ServiceDescriptor.Singleton<IHostLifetime, NoSignals>());
        builder.Services.Configure<HostOptions>(host => host.ShutdownTimeout = options.ShutdownTimeout);
        WebApplication app = builder.Build();

        ILogger logger = loggers.CreateLogger<GatewayServer>();
        RequestGate gate = new(options, logger, stopping);
        GenerationRunner runner = new(options, gate, logger, stopping);
        ModelsEndpoint list = new(catalog);
        app.Use(gate.InvokeAsync);
        app.UseRouting();
        app.MapPost("/v1/chat/completions", new ChatEndpoint(catalog, runner).HandleAsync);
        app.MapPost("/v1/completions", new CompletionEndpoint(catalog, runner, options).HandleAsync);
        app.MapGet("/v1/models", list.ListAsync);
        app.MapGet("/v1/models/{**id}", list.GetAsync);
        app.MapGet("/healthz", HealthEndpoint.LiveAsync);
        app.MapGet("/readyz", new HealthEndpoint(catalog, stopping).ReadyAsync);
        return app;
    }

    private static void Configure(KestrelServerOptions kestrel, GatewayOptions options)
    {
        kestrel.AddServerHeader = false;
        kestrel.Limits.MaxRequestBodySize = options.MaxRequestBodyBytes;
        kestrel.Limits.MaxConcurrentConnections = options.MaxConnections;
        kestrel.Limits.RequestHeadersTimeout = TimeSpan.FromSeconds(15);
        kestrel.Listen(options.ListenAddress, options.Port, listen => listen.Protocols = HttpProtocols.Http1);
    }

    private static GatewayException? Explain(GatewayOptions options, Exception exception)
    {
        string where = string.Create(CultureInfo.InvariantCulture, $"{new IPEndPoint(options.ListenAddress, options.Port)}");
        for (Exception? cause = exception; cause is not null; cause = cause.InnerException)
        {
            if (cause is AddressInUseException or SocketException { SocketErrorCode: SocketError.AddressAlreadyInUse })
            {
                return new GatewayException(
                    GatewayFault.PortInUse,
                    string.Create(
                        CultureInfo.InvariantCulture,
                        $"Can't listen on {where}: port {options.Port} is in use by another process. ")
                        + "Choose another port, or port 0 to take a free one.",
                    exception);
            }

            if (cause is SocketException socket)
            {
                return new GatewayException(
                    GatewayFault.AddressUnavailable,
                    $"Can't listen on {where}: {socket.Message}. "
                        + "Choose an address of this machine and a port the process may use (1024 or above without special rights).",
                    exception);
            }
        }

        return null;
    }

    /// <summary>Leaves SIGINT and SIGTERM to whoever owns the process.</summary>
    private sealed class NoSignals : IHostLifetime
    {
        public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
