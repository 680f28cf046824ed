using NativeSplit.Transport.Frames;
using NativeSplit.Transport.Links;
using NativeSplit.Transport.Sealing;
using NativeSplit.Transport.Tests.Support;

namespace NativeSplit.Transport.Tests;

/// <summary>Which cipher suite two ends take.</summary>
public sealed class SuiteTests
{
    private const CipherSuites Aes = CipherSuites.Aes256Gcm;
    private const CipherSuites Aegis = CipherSuites.Aegis128L;
    private const CipherSuites ChaCha = CipherSuites.ChaCha20Poly1305;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory(Timeout = 60_000)]
    [InlineData(Aes | Aegis | ChaCha, Aes | Aegis | ChaCha, Aegis)]
    [InlineData(Aes | ChaCha, Aes | Aegis | ChaCha, Aes)]
    [InlineData(Aes | Aegis | ChaCha, ChaCha, ChaCha)]
    [InlineData(Aegis, Aegis | ChaCha, Aegis)]
    public async Task Link_TakesTheBestOfBoth_WhenTheEndsOffer(CipherSuites connector, CipherSuites listener, CipherSuites chosen)
    {
        using var authority = new TestAuthority();
        await using LinkListener at = LinkListener.Start(LinkPair.AnyPort, authority.Node("b"), new LinkOptions { Suites = listener });
        await using SealedLink near = await LinkConnector.ConnectAsync(
            at.LocalEndPoint, TestAuthority.UriOf("b"), authority.Node("a"), new LinkOptions { Suites = connector }, Token);
        await using SealedLink far = await at.AcceptAsync(Token);
        Assert.Equal((chosen, chosen), (near.Suite, far.Suite));

        byte[] payload = LinkSuite.Pattern(5000, seed: 3);
        await near.SendAsync(FrameType.Activations, new FrameHeader(1, 2, 3, 0, 1, 1), payload, Token);
        Assert.Equal(ReceiveStatus.Frame, await far.ReceiveAsync(Token));
        Assert.Equal(payload, far.Payload.ToArray());
        await far.SendAsync(FrameType.Activations, default, payload, Token);
        Assert.Equal(ReceiveStatus.Frame, await near.ReceiveAsync(Token));
        Assert.Equal(payload, near.Payload.ToArray());
    }

    [Fact(Timeout = 60_000)]
    public async Task ConnectAsync_SaysSuiteMismatch_WhenTheEndsShareNone()
    {
        using var authority = new TestAuthority();
        await using LinkListener at = LinkListener.Start(LinkPair.AnyPort, authority.Node("b"), new LinkOptions { Suites = Aes });
        LinkException e = await Assert.ThrowsAsync<LinkException>(async () => await LinkConnector.ConnectAsync(
            at.LocalEndPoint, TestAuthority.UriOf("b"), authority.Node("a"), new LinkOptions { Suites = Aegis | ChaCha }, Token));
        Assert.Equal(LinkFault.SuiteMismatch, e.Fault);
        await LinkPair.UntilAsync(() => at.FailedHandshakes.ContainsKey(LinkFault.SuiteMismatch));
    }

    [Theory]
    [InlineData(CipherSuites.None)]
    [InlineData((CipherSuites)8)]
    [InlineData((CipherSuites)9)]
    public void Start_Refuses_WhenTheSuitesAreNotOfThisMachine(CipherSuites suites)
    {
        using var authority = new TestAuthority();
        Assert.Throws<ArgumentOutOfRangeException>(() => LinkListener.Start(LinkPair.AnyPort, authority.Node("b"), new LinkOptions { Suites = suites }));
    }

    [Theory]
    [InlineData(Aes | Aegis, ChaCha, CipherSuites.None)]
    [InlineData((CipherSuites)0xFFFF_FFFF, Aes | ChaCha, Aes)]
    [InlineData((CipherSuites)8, (CipherSuites)8, CipherSuites.None)]
    public void Choose_IgnoresWhatIsUnknown_WhenALaterReleaseOffersMore(CipherSuites first, CipherSuites second, CipherSuites chosen)
    {
        Assert.Equal(chosen, SuiteChoice.Choose(first, second));
        Assert.Equal(chosen, SuiteChoice.Choose(second, first));
    }
}
