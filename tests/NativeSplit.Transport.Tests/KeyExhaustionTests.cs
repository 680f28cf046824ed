using NativeSplit.Transport.Frames;
using NativeSplit.Transport.Links;
using NativeSplit.Transport.Sealing;
using NativeSplit.Transport.Tests.Support;

namespace NativeSplit.Transport.Tests;

/// <summary>A link whose keys are spent refuses to send, and says why when it closes.</summary>
public sealed class KeyExhaustionTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact(Timeout = 60_000)]
    public async Task SendAsync_Refuses_WhenTheKeysAreSpent()
    {
        using var authority = new TestAuthority();
        (SealedLink near, SealedLink far) = await RawLinks.OpenAsync(
            authority, FrameSealer.CloseReserveBytes + (2 * FrameLayout.SealedBytes(1000)));
        await using (near)
        await using (far)
        {
            await LinkSuite.SendManyAsync(near, new byte[1000], 2);
            LinkException e = await Assert.ThrowsAsync<LinkException>(
                async () => await near.SendAsync(FrameType.Control, default, new byte[1], Token));
            Assert.Equal(LinkFault.KeysExhausted, e.Fault);
            await near.DisposeAsync();

            Assert.Equal(ReceiveStatus.Frame, await far.ReceiveAsync(Token));
            Assert.Equal(ReceiveStatus.Frame, await far.ReceiveAsync(Token));
            Assert.Null(far.PeerFault);
            Assert.Equal(ReceiveStatus.Closed, await far.ReceiveAsync(Token));
            Assert.Equal(LinkFault.KeysExhausted, far.PeerFault);
        }
    }
}
