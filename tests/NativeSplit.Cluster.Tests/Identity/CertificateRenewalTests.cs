using System.Net;
using System.Security.Cryptography.X509Certificates;
using System.Threading.Channels;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using NativeSplit.Cluster.Identity;
using NativeSplit.Placement;
using NativeSplit.Transport.Links;

namespace NativeSplit.Cluster.Tests.Identity;

/// <summary>Certificates of a day are renewed before they end, over real connections and under a clock of our own.</summary>
public sealed class CertificateRenewalTests : IAsyncDisposable
{
    private static readonly NodeId Worker = new("worker-1");
    private static readonly NodeId GatewayName = new("gateway");
    private readonly SteppedTime _time = new();
    private readonly ClusterAuthority _authority;
    private readonly NodeRegistry _nodes;
    private readonly JoinTokenStore _tokens;
    private readonly CredentialSource _gateway;
    private readonly LinkListener _listener;

    public CertificateRenewalTests()
    {
        _authority = ClusterAuthority.Create(_time);
        var registry = new ClusterRegistry();
        _nodes = new NodeRegistry(registry, _time);
        _tokens = new JoinTokenStore(_authority, _time, registry);
        _gateway = new CredentialSource(new LinkCredentials(_authority.IssueWithKey(NodeRole.Gateway, GatewayName), _authority.Certificate) { IsRevoked = _nodes.IsRevoked, Clock = _time });
        var server = new EnrolmentServer(_authority, _tokens, _nodes);
        _listener = LinkListener.Start(new IPEndPoint(IPAddress.Loopback, 0), _gateway, new LinkOptions(), server.ServeAsync, server.RenewAsync);
    }

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public async ValueTask DisposeAsync()
    {
        await _listener.DisposeAsync();
        _authority.Dispose();
    }

    [Theory]
    [InlineData(0, 16)]
    [InlineData(1, 14)]
    public void DueAt_IsAtAboutTwoThirdsOfTheLife(double jitter, double hours)
    {
        using X509Certificate2 certificate = _authority.IssueWithKey(NodeRole.Worker, Worker);
        TimeSpan life = certificate.NotAfter - certificate.NotBefore;
        Assert.Equal(hours / 24, (CertificateRenewal.DueAt(certificate, jitter) - certificate.NotBefore.ToUniversalTime()) / life, 6);
    }

    [Fact]
    public async Task Worker_HoldsAFreshKeyForNewLinks_DayAfterDay_WithoutARestart()
    {
        JoinedNode node = await JoinAsync();
        var kept = Channel.CreateUnbounded<LinkCredentials>();
        await using var workers = new CertificateRenewal(node.Source, cancel => EnrolmentClient.RenewAsync(_listener.LocalEndPoint, node, new LinkOptions(), cancel), c => kept.Writer.TryWrite(c), NullLogger.Instance, _time);
        TimeSpan wait = await _time.NextWaitAsync();
        HashSet<string> keys = [KeyOf(node)];
        for (int day = 0; day < 3; day++)
        {
            Assert.InRange(wait, TimeSpan.FromHours(13.8), TimeSpan.FromHours(16));
            _time.Advance(wait);
            LinkCredentials renewed = await kept.Reader.ReadAsync(Cancel);
            Assert.Same(renewed, node.Credentials);
            Assert.True(keys.Add(KeyOf(node)), "A renewal must bring a fresh key.");
            Assert.Equal(_time.GetUtcNow().AddDays(1), renewed.Certificate.NotAfter.ToUniversalTime(), TimeSpan.FromSeconds(1));
            _gateway.Replace(_gateway.Current with { Certificate = _authority.IssueWithKey(NodeRole.Gateway, GatewayName) });
            await LinkAsync(node);
            wait = await _time.NextWaitAsync();
        }

        // Two days after it joined, the certificate it joined with has long ended.
        Assert.Single(_nodes.List(), certificate => certificate.Expiry > _time.GetUtcNow().AddHours(23));
    }

    [Fact]
    public async Task Gateway_RenewsItsOwn_AndItsListenerUsesIt()
    {
        var kept = Channel.CreateUnbounded<LinkCredentials>();
        await using var renewal = new CertificateRenewal(_gateway, _ => Task.FromResult(_authority.IssueWithKey(NodeRole.Gateway, GatewayName)), c => kept.Writer.TryWrite(c), NullLogger.Instance, _time);
        _time.Advance(await _time.NextWaitAsync());
        LinkCredentials first = await kept.Reader.ReadAsync(Cancel);
        _time.Advance(await _time.NextWaitAsync());
        await kept.Reader.ReadAsync(Cancel);
        Assert.True(first.Certificate.NotBefore.ToUniversalTime() < _time.GetUtcNow() - TimeSpan.FromHours(12));

        // By now the certificate that the listener was started with has ended.
        using X509Certificate2 certificate = _authority.IssueWithKey(NodeRole.Worker, Worker);
        await LinkAsync(new JoinedNode(CredentialStore.IdentityOf(certificate), CredentialStore.IdentityOf(first.Certificate), new LinkCredentials(certificate, _authority.Certificate) { Clock = _time }));
    }

    [Fact]
    public async Task Link_IsRefused_OnceTheCertificateHasEnded()
    {
        JoinedNode node = await JoinAsync();
        await LinkAsync(node);
        _time.Advance(ClusterAuthority.NodeLifetime + TimeSpan.FromMinutes(1));
        _gateway.Replace(_gateway.Current with { Certificate = _authority.IssueWithKey(NodeRole.Gateway, GatewayName) });
        Assert.Equal(LinkFault.AuthenticationFailed, (await Assert.ThrowsAsync<LinkException>(() => LinkAsync(node))).Fault);
        LinkException e = await Assert.ThrowsAsync<LinkException>(() => EnrolmentClient.RenewAsync(_listener.LocalEndPoint, node, new LinkOptions(), Cancel));
        Assert.Equal(LinkFault.AuthenticationFailed, e.Fault);
    }

    [Fact]
    public async Task Renewal_IsTriedAgainAtGrowingIntervals_ThenSaysWhatToDo()
    {
        JoinedNode node = await JoinAsync();
        var log = new Lines();
        await using var renewal = new CertificateRenewal(node.Source, _ => throw new LinkException(LinkFault.Unreachable, "Nobody answers."), keep: null, log, _time);
        _time.Advance(await _time.NextWaitAsync());
        await log.NextAsync(Cancel);
        List<TimeSpan> waits = [];
        while (!log.Text.Contains("token create", StringComparison.Ordinal))
        {
            TimeSpan wait = await _time.NextWaitAsync();
            waits.Add(wait);
            _time.Advance(wait);
            await log.NextAsync(Cancel);
        }

        Assert.InRange(waits[0], CertificateRenewal.FirstRetry * 0.75, CertificateRenewal.FirstRetry);
        Assert.All(waits.Take(waits.Count - 1).Zip(waits.Skip(1)), pair => Assert.True(pair.Second <= (pair.First * 2.7) + TimeSpan.FromMilliseconds(1)));
        Assert.True(waits.Max() <= CertificateRenewal.LastRetry);
        Assert.True(waits.Count > 30, "It must go on to the end of the certificate.");
        Assert.Contains("Nobody answers.", log.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Renewal_GivesAndTakesTheLabel_AsTheOperatorSaysMeanwhile()
    {
        JoinedNode node = await JoinAsync();
        Assert.False(CredentialStore.IdentityOf(node.Credentials.Certificate).IsTrusted);
        foreach (bool isTrusted in (bool[])[true, false])
        {
            Assert.True(_nodes.Trust(Worker, isTrusted));
            using X509Certificate2 renewed = await EnrolmentClient.RenewAsync(_listener.LocalEndPoint, node, new LinkOptions(), Cancel);
            Assert.Equal(isTrusted, CredentialStore.IdentityOf(renewed).IsTrusted);
        }

        Assert.Equal([false, true, false], _nodes.List().Select(certificate => certificate.Trusted));
    }

    [Fact]
    public async Task Renewal_IsRefused_WhenTheCertificateWasRevoked()
    {
        JoinedNode node = await JoinAsync();
        Assert.Equal(1, _nodes.Revoke(Worker));
        LinkException e = await Assert.ThrowsAsync<LinkException>(() => EnrolmentClient.RenewAsync(_listener.LocalEndPoint, node, new LinkOptions(), Cancel));
        Assert.Equal(LinkFault.AuthenticationFailed, e.Fault);
        Assert.Single(_nodes.List());

        // Also where nothing but the registry stands in the way.
        Assert.Null(_nodes.Renew(Worker, node.Credentials.Certificate, _ => throw new InvalidOperationException("must not be reached")));
    }

    [Fact]
    public async Task Renewal_IsRefused_WhenTheRegistryDoesNotKnowTheCertificate()
    {
        using X509Certificate2 unknown = _authority.IssueWithKey(NodeRole.Worker, Worker);
        var node = new JoinedNode(CredentialStore.IdentityOf(unknown), CredentialStore.IdentityOf(_gateway.Current.Certificate), new LinkCredentials(unknown, _authority.Certificate) { Clock = _time });
        ClusterException e = await Assert.ThrowsAsync<ClusterException>(() => EnrolmentClient.RenewAsync(_listener.LocalEndPoint, node, new LinkOptions(), Cancel));
        Assert.Equal(ClusterFault.NotAllowed, e.Fault);
        Assert.Empty(_nodes.List());
    }

    [Fact]
    public async Task Renewal_IsRefused_WhenAGatewayAsksForTheCertificateOfAWorker()
    {
        using X509Certificate2 other = _authority.IssueWithKey(NodeRole.Gateway, new NodeId("gateway-2"));
        _nodes.Record(new NodeId("gateway-2"), other);
        var node = new JoinedNode(CredentialStore.IdentityOf(other), CredentialStore.IdentityOf(_gateway.Current.Certificate), new LinkCredentials(other, _authority.Certificate) { Clock = _time });
        Assert.Equal(ClusterFault.NotAllowed, (await Assert.ThrowsAsync<ClusterException>(() => EnrolmentClient.RenewAsync(_listener.LocalEndPoint, node, new LinkOptions(), Cancel))).Fault);
    }

    [Fact]
    public async Task Replace_Throws_WhenTheCredentialsAreAnothersOrOfAnotherCluster()
    {
        JoinedNode node = await JoinAsync();
        using X509Certificate2 another = _authority.IssueWithKey(NodeRole.Worker, new NodeId("worker-2"));
        Assert.Throws<ArgumentException>(() => node.Source.Replace(node.Credentials with { Certificate = another }));
        using ClusterAuthority other = ClusterAuthority.Create(_time);
        Assert.Throws<ArgumentException>(() => node.Source.Replace(node.Credentials with { Authority = other.Certificate }));
        Assert.Throws<ArgumentException>(() => node.Source.Replace(node.Credentials with { Certificate = X509CertificateLoader.LoadCertificate(node.Credentials.Certificate.RawData) }));
    }

    private static string KeyOf(JoinedNode node) => Convert.ToHexString(node.Credentials.Certificate.GetPublicKey());

    private async Task<JoinedNode> JoinAsync()
    {
        JoinedNode joined = await EnrolmentClient.JoinAsync(_listener.LocalEndPoint, _tokens.Create(Worker), new LinkOptions(), Cancel);
        return new JoinedNode(joined.Self, joined.Gateway, joined.Credentials with { Clock = _time });
    }

    private async Task LinkAsync(JoinedNode node)
    {
        await using SealedLink near = await LinkConnector.ConnectAsync(_listener.LocalEndPoint, node.Gateway.Uri, node.Credentials, new LinkOptions(), Cancel);
        await using SealedLink far = await _listener.AcceptAsync(Cancel);
        Assert.Equal(node.Self.Uri, far.Peer);
    }

    /// <summary>A clock that stands still, starts at the present, and tells of every wait that begins.</summary>
    private sealed class SteppedTime() : FakeTimeProvider(DateTimeOffset.UtcNow)
    {
        private readonly Channel<TimeSpan> _waits = Channel.CreateUnbounded<TimeSpan>();

        public async Task<TimeSpan> NextWaitAsync() => await _waits.Reader.ReadAsync(Cancel);

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            ITimer timer = base.CreateTimer(callback, state, dueTime, period);
            _waits.Writer.TryWrite(dueTime);
            return timer;
        }
    }

    private sealed class Lines : ILogger
    {
        private readonly Channel<string> _lines = Channel.CreateUnbounded<string>();

        public string Text { get; private set; } = string.Empty;

        public async Task NextAsync(CancellationToken cancel) => Text += await _lines.Reader.ReadAsync(cancel) + "\n";

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            _lines.Writer.TryWrite(formatter(state, exception));
    }
}
