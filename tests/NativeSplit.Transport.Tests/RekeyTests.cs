using System.Collections.Concurrent;
using Microsoft.Extensions.Time.Testing;
using NativeSplit.Transport.Frames;
using NativeSplit.Transport.Links;
using NativeSplit.Transport.Sealing;
using NativeSplit.Transport.Tests.Support;

namespace NativeSplit.Transport.Tests;

/// <summary>Keys are renewed under way: by age, by bytes, and never at the cost of a frame.</summary>
public sealed class RekeyTests
{
    private const int Timeout = 60_000;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public void KeyChain_GivesTheKeysOfAnotherImplementation_WhenTheSecretsAreFixed()
    {
        // Computed with Python's hmac and hashlib from the formulas of docs/wire.md, section 3.8.
        using var chain = new KeyChain(CipherSuites.Aes256Gcm, [.. Enumerable.Range(0, 32).Select(i => (byte)i)]);
        byte[] sender = [.. Enumerable.Range(64, 32).Select(i => (byte)i)];
        byte[] receiver = [.. Enumerable.Range(128, 32).Select(i => (byte)i)];
        AssertNext("ccd9f41c9c7ab9de3ff75e83e439e142646a9e4148d5b5421e4cb1016f752c9f", "4064d9aac37ade1a65fb9e30");
        AssertNext("1267279a8cadd296cc925aa9cba6cb17273f7416455c57da02b6210eff2d249a", "a92f159aac3d7a07d0d8f9c9");

        void AssertNext(string key, string iv)
        {
            using FrameCipher next = chain.Next(sender, receiver);
            using FrameCipher expected = FrameCipher.Create(CipherSuites.Aes256Gcm, Convert.FromHexString(key), Convert.FromHexString(iv));
            byte[] data = new byte[40];
            next.Seal(5, [1], data);
            Assert.True(expected.TryOpen(5, [1], data));
        }
    }

    [Fact(Timeout = Timeout)]
    public async Task Link_RenewsBothDirections_WhenTheKeysAreOld()
    {
        var time = new FakeTimeProvider();
        var phases = new ConcurrentQueue<(Way Way, uint Phase)>();
        await using LinkPair pair = await LinkPair.OpenAsync(new LinkOptions { Time = time }, endpoint => new Relay(endpoint, (way, _, frame) =>
        {
            phases.Enqueue((way, BitConverter.ToUInt32(frame, FrameLayout.KeyPhaseOffset)));
            return [frame];
        }));

        for (uint phase = 0; phase < 3; phase++)
        {
            // The switch comes with the first frame after the answer, whenever that is.
            while (!phases.Contains((Way.ToListener, phase)) || !phases.Contains((Way.ToConnector, phase)))
            {
                await ExchangeAsync(pair.Connector, pair.Acceptor);
                await ExchangeAsync(pair.Acceptor, pair.Connector);
            }

            time.Advance(new LinkOptions().RekeyAfter);
        }

        foreach (Way way in Enum.GetValues<Way>())
        {
            uint[] seen = [.. phases.Where(entry => entry.Way == way).Select(entry => entry.Phase)];
            Assert.Equal(seen.Order(), seen);
        }
    }

    [Fact(Timeout = Timeout)]
    public async Task Link_LosesNoFrame_WhenKeysWearOutUnderManySenders()
    {
        const int senders = 4;
        const int frames = 400;
        using var authority = new TestAuthority();
        (SealedLink near, SealedLink far) = await RawLinks.OpenAsync(authority, limitBytes: 400 * FrameLayout.FrameBytes(1000));
        await using (near)
        await using (far)
        {
            await Task.WhenAll(FlowAsync(near, far), FlowAsync(far, near));
            Assert.True(near.ControlMessagesReceived >= 2 * senders * frames / 400, "Every 400 frames need a new key, asked for and answered.");
        }

        async Task FlowAsync(SealedLink from, SealedLink to)
        {
            // Some frames are on their way at most, as with steps of a model. Where the answers can't keep up with keys this short-lived, a
            // refused frame is sent again: a refusal leaves the link whole.
            var turns = new SemaphoreSlim(100);
            Task sending = Task.WhenAll(Enumerable.Range(0, senders).Select(sender => Task.Run(async () =>
            {
                for (uint i = 0; i < frames; i++)
                {
                    await turns.WaitAsync(Token);
                    while (!await TrySendAsync(from, new FrameHeader((ulong)sender, i, 0, 0, 0, 0)))
                    {
                        await Task.Yield();
                    }
                }
            })));
            ulong[] next = new ulong[senders];
            for (int i = 0; i < senders * frames; i++)
            {
                Assert.Equal(ReceiveStatus.Frame, await to.ReceiveAsync(Token));
                Assert.Equal(next[to.Header.Epoch]++, to.Header.Batch);
                turns.Release();
            }

            await sending;
        }
    }

    [Fact(Timeout = Timeout)]
    public async Task SendAsync_Refuses_WhenThePeerGivesNoNewKeyInTime()
    {
        var time = new FakeTimeProvider();
        using var authority = new TestAuthority();
        var options = new LinkOptions { Time = time, PeerTimeout = System.Threading.Timeout.InfiniteTimeSpan };
        (SealedLink near, RawLinks.RawEnd far) = await RawLinks.OpenHalfAsync(authority, FrameSealer.DefaultLimitBytes, options);
        await using SealedLink link = near;
        using RawLinks.RawEnd end = far;
        time.Advance(options.RekeyAfter);
        (ControlKind kind, ulong number, byte[] offered) = await far.ReadControlAsync();
        Assert.Equal((ControlKind.KeyOffer, 1ul), (kind, number));
        await near.SendAsync(FrameType.Control, default, new byte[3], Token);
        time.Advance(options.RefuseAfter - options.RekeyAfter);
        LinkException e = await Assert.ThrowsAsync<LinkException>(async () => await near.SendAsync(FrameType.Control, default, new byte[3], Token));
        Assert.Equal(LinkFault.KeysExhausted, e.Fault);

        // A late answer opens the link again, under the new key.
        byte[] own = LinkSuite.Pattern(32, seed: 8);
        await far.WriteControlAsync(ControlKind.KeyAnswer, 1, own);
        using var opener = new FrameOpener(far.Keys.Keys.CreateCipher(fromConnector: true), connectionId: 1, maxPayloadBytes: 1000);
        using KeyChain chain = far.Keys.Keys.CreateChain(fromConnector: true);
        opener.Attach(switched: () => { });
        opener.Install(chain.Next(offered, own));
        while (true)
        {
            try
            {
                await near.SendAsync(FrameType.Control, default, new byte[3], Token);
                break;
            }
            catch (LinkException refused) when (refused.Fault == LinkFault.KeysExhausted)
            {
                await Task.Yield();
            }
        }

        foreach (uint phase in (uint[])[0, 1])
        {
            byte[] frame = new byte[FrameLayout.FrameBytes(3)];
            await RawWire.ReadExactlyAsync(far.Data, frame, Token);
            Assert.Equal(FrameStatus.Complete, opener.TryRead(frame, out OuterHeader header));
            Assert.Equal(phase, header.KeyPhase);
            Assert.True(opener.TryOpen(frame));
        }
    }

    [Theory(Timeout = Timeout)]
    [InlineData(1, 2ul)]
    [InlineData(1, 0ul)]
    [InlineData(2, 1ul)]
    [InlineData(3, 1ul)]
    [InlineData(4, 1ul)]
    [InlineData(0, 1ul)]
    [InlineData(5, 1ul)]
    public async Task Link_EndsMalformed_WhenAControlMessageMayNotCome(uint kind, ulong number)
    {
        // A wrong phase, an answer to no offer, a secret where none belongs, a kind that isn't known.
        using var authority = new TestAuthority();
        (SealedLink near, RawLinks.RawEnd far) = await RawLinks.OpenHalfAsync(authority, FrameSealer.DefaultLimitBytes, new LinkOptions());
        await using SealedLink link = near;
        using RawLinks.RawEnd end = far;
        await far.WriteControlAsync((ControlKind)kind, number, LinkSuite.Pattern(32, seed: 1));
        LinkException e = await Assert.ThrowsAsync<LinkException>(async () => await near.ReceiveAsync(Token));
        Assert.Equal(LinkFault.Malformed, e.Fault);
    }

    [Fact(Timeout = Timeout)]
    public async Task Link_AnswersOnlyOneOfferAhead_WhenNoFrameUsesTheNewKey()
    {
        using var authority = new TestAuthority();
        (SealedLink near, RawLinks.RawEnd far) = await RawLinks.OpenHalfAsync(authority, FrameSealer.DefaultLimitBytes, new LinkOptions());
        await using SealedLink link = near;
        using RawLinks.RawEnd end = far;
        byte[] offer = LinkSuite.Pattern(32, seed: 1);
        await far.WriteControlAsync(ControlKind.KeyOffer, 1, offer);
        Assert.Equal((ControlKind.KeyAnswer, 1ul), await KindAndNumberAsync());

        // The second isn't answered before a frame under phase 1 came; a ping behind it is.
        await far.WriteControlAsync(ControlKind.KeyOffer, 2, offer);
        await far.WriteControlAsync(ControlKind.Ping, 77, []);
        Assert.Equal((ControlKind.Pong, 77ul), await KindAndNumberAsync());

        // A third while one waits may not come.
        await far.WriteControlAsync(ControlKind.KeyOffer, 2, offer);
        Assert.Equal(LinkFault.Malformed, (await Assert.ThrowsAsync<LinkException>(async () => await near.ReceiveAsync(Token))).Fault);

        async Task<(ControlKind, ulong)> KindAndNumberAsync()
        {
            (ControlKind kind, ulong number, _) = await far.ReadControlAsync();
            return (kind, number);
        }
    }

    [Theory]
    [InlineData(0u, false, true)]
    [InlineData(1u, false, false)]
    [InlineData(1u, true, true)]
    [InlineData(2u, true, false)]
    [InlineData(uint.MaxValue, true, false)]
    public void FrameOpener_TakesOnlyTheKeyInUseAndTheOneReady_WhenAHeaderNamesAPhase(uint phase, bool ready, bool taken)
    {
        byte[] header = new byte[FrameLayout.OuterBytes];
        new OuterHeader(FrameType.Control, 10, phase, 0, 9).Format(header);
        using var opener = new FrameOpener(FrameCipher.Create(CipherSuites.Aes256Gcm, new byte[32], new byte[12]), connectionId: 9, maxPayloadBytes: 10);
        if (ready)
        {
            opener.Install(FrameCipher.Create(CipherSuites.Aes256Gcm, new byte[32], new byte[12]));
        }

        Assert.Equal(taken ? FrameStatus.Complete : FrameStatus.BadKeyPhase, opener.TryRead(header, out _));
    }

    [Fact(Timeout = Timeout)]
    public async Task Dispose_NeverThrowsOrHangs_WhenKeysAreRenewedMeanwhile()
    {
        using var authority = new TestAuthority();
        for (int i = 0; i < 60; i++)
        {
            (SealedLink near, SealedLink far) = await RawLinks.OpenAsync(authority, limitBytes: 16 * FrameLayout.FrameBytes(1000));
            int until = i % 12;
            Task sending = Task.Run(async () =>
            {
                for (int frame = 0; frame < 200; frame++)
                {
                    await near.SendAsync(FrameType.Control, default, new byte[1000], Token);
                }
            }, Token);
            Task receiving = Task.Run(async () =>
            {
                for (int frame = 0; frame < until; frame++)
                {
                    await far.ReceiveAsync(Token);
                }

                await Task.WhenAll(near.DisposeAsync().AsTask(), far.DisposeAsync().AsTask());
            }, Token);
            await receiving;
            Exception? end = await Record.ExceptionAsync(() => sending);
            Assert.True(end is null or LinkException { Fault: LinkFault.Closed or LinkFault.KeysExhausted }, end?.ToString());
        }
    }

    private static async Task<bool> TrySendAsync(SealedLink link, FrameHeader header)
    {
        try
        {
            await link.SendAsync(FrameType.Control, header, new byte[1000], Token);
            return true;
        }
        catch (LinkException e) when (e.Fault == LinkFault.KeysExhausted)
        {
            return false;
        }
    }

    private static async Task ExchangeAsync(SealedLink from, SealedLink to)
    {
        await from.SendAsync(FrameType.Control, default, new byte[] { 1, 2, 3 }, Token);
        Assert.Equal(ReceiveStatus.Frame, await to.ReceiveAsync(Token));
        Assert.Equal([1, 2, 3], to.Payload.ToArray());
    }
}
