using NativeSplit.Transport.Frames;
using NativeSplit.Transport.Links;

namespace NativeSplit.Transport.Tests;

/// <summary>One sender at a time, urgent ones first, none forgotten.</summary>
public sealed class SendTurnsTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact(Timeout = 60_000)]
    public async Task Turns_GoToUrgentSendersFirst_ThenToBulkInOrder()
    {
        var turns = new SendTurns();
        Assert.True(turns.TryEnter());
        List<string> order = [];
        Task[] senders =
        [
            TakeAsync(turns.EnterBulkAsync(100, Token), "bulk 1"),
            TakeAsync(turns.EnterAsync(Token), "urgent 1"),
            TakeAsync(turns.EnterBulkAsync(100, Token), "bulk 2"),
            TakeAsync(turns.EnterAsync(Token), "urgent 2"),
        ];
        Assert.False(turns.TryEnter());
        turns.Leave();
        await Task.WhenAll(senders);
        Assert.Equal(["urgent 1", "urgent 2", "bulk 1", "bulk 2"], order);

        async Task TakeAsync(ValueTask turn, string name)
        {
            await turn;
            order.Add(name);
            turns.Leave();
        }
    }

    [Fact(Timeout = 60_000)]
    public async Task Turns_StayFree_WhenBulkWaitsForCredit()
    {
        var turns = new SendTurns();
        int frame = (int)FrameLayout.InitialBulkCredit;
        await turns.EnterBulkAsync(frame, Token);
        turns.Spend(frame);
        turns.Leave();
        Task waiting = turns.EnterBulkAsync(1, Token).AsTask();
        Assert.True(turns.TryEnter());
        turns.Leave();
        Assert.False(waiting.IsCompleted);

        Assert.False(turns.TryGrant((ulong)frame));
        Assert.False(turns.TryGrant((ulong)frame + LinkOptions.BulkWindowCeiling + 1));
        Assert.True(turns.TryGrant((ulong)frame + 1));
        await waiting;
        Assert.False(turns.TryEnter());
    }

    [Fact(Timeout = 60_000)]
    public async Task EndCredit_GivesTheTurn_WhenBulkWaitsForCredit()
    {
        var turns = new SendTurns();
        turns.Spend((int)FrameLayout.InitialBulkCredit);
        Task first = turns.EnterBulkAsync(1, Token).AsTask();
        Task second = turns.EnterBulkAsync(1, Token).AsTask();
        turns.EndCredit();
        await first;
        Assert.False(second.IsCompleted);
        turns.Leave();
        await second;
        turns.Leave();
        await turns.EnterBulkAsync(1, Token);
    }

    [Fact(Timeout = 60_000)]
    public async Task Turns_AreTakenByOneAtATime_AndNoneIsLost_WhenSendersCompeteAndCancel()
    {
        const int senders = 8;
        const int turnsEach = 4000;
        int seed = Environment.TickCount;
        TestContext.Current.TestOutputHelper?.WriteLine($"seed {seed}");
        var turns = new SendTurns();
        int inside = 0;
        long spent = 0;
        long taken = 0;
        long cancelled = 0;
        using var done = new CancellationTokenSource();
        Task granting = Task.Run(() =>
        {
            ulong granted = FrameLayout.InitialBulkCredit;
            while (!done.IsCancellationRequested)
            {
                ulong next = (ulong)Volatile.Read(ref spent) + FrameLayout.InitialBulkCredit;
                if (next > granted)
                {
                    Assert.True(turns.TryGrant(next));
                    granted = next;
                }

                Thread.Yield();
            }
        }, Token);
        await Task.WhenAll(Enumerable.Range(0, senders).Select(sender => Task.Run(async () =>
        {
            var random = new Random(seed + sender);
            for (int i = 0; i < turnsEach; i++)
            {
                bool bulk = sender % 2 == 0;
                using CancellationTokenSource? cancel = random.Next(4) == 0 ? new CancellationTokenSource() : null;
                int bytes = random.Next(1, 100_000);
                ValueTask turn = bulk ? turns.EnterBulkAsync(bytes, cancel?.Token ?? Token) : turns.EnterAsync(cancel?.Token ?? Token);
                cancel?.Cancel();
                try
                {
                    await turn;
                }
                catch (OperationCanceledException)
                {
                    Interlocked.Increment(ref cancelled);
                    continue;
                }

                Assert.Equal(1, Interlocked.Increment(ref inside));
                if (bulk)
                {
                    turns.Spend(bytes);
                    Interlocked.Add(ref spent, bytes);
                }

                Interlocked.Increment(ref taken);
                Interlocked.Decrement(ref inside);
                turns.Leave();
            }
        })));
        await done.CancelAsync();
        await granting;
        Assert.Equal(senders * turnsEach, taken + cancelled);
        Assert.True(turns.TryEnter(), "A turn was lost.");
    }
}
