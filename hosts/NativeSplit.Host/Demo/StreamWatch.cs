using System.Diagnostics;
using System.Text;
using NativeSplit.Engine.Generation;

namespace NativeSplit.Host.Demo;

/// <summary>What the streams did in some time.</summary>
/// <param name="Tokens">Tokens they got.</param>
/// <param name="LongestGap">Longest time that one of them waited for a token.</param>
internal readonly record struct StreamSpan(long Tokens, TimeSpan LongestGap);

/// <summary>Clients that ask for answer after answer, and compare each with the one of the unsplit run.</summary>
internal sealed class StreamWatch : IAsyncDisposable
{
    private readonly CancellationTokenSource _stop = new();
    private readonly TextGenerator _generator;
    private readonly GenerationRequest _request;
    private readonly string _expected;
    private readonly Task[] _clients;
    private readonly Lock _gate = new();
    private readonly long[] _last;
    private long _tokens;
    private long _gap;

    /// <summary>Starts the clients.</summary>
    /// <param name="generator">Answers; lent.</param>
    /// <param name="request">What they ask.</param>
    /// <param name="expected">What the answer is.</param>
    /// <param name="clients">How many.</param>
    public StreamWatch(TextGenerator generator, GenerationRequest request, string expected, int clients)
    {
        (_generator, _request, _expected) = (generator, request, expected);
        _last = new long[clients];
        Array.Fill(_last, Stopwatch.GetTimestamp());
        _clients = [.. Enumerable.Range(0, clients).Select(client => Task.Run(() => RunAsync(client)))];
    }

    /// <summary>Answers that were whole.</summary>
    public int Answers { get; private set; }

    /// <summary>Of these, answers that differ from the unsplit run's.</summary>
    public int Different { get; private set; }

    /// <summary>Ends, with its error, when a client does.</summary>
    public Task AnyEnd => Task.WhenAny(_clients).Unwrap();

    /// <summary>What the streams did since the last call. A wait that goes on now counts.</summary>
    public StreamSpan Take()
    {
        lock (_gate)
        {
            long now = Stopwatch.GetTimestamp();
            long waiting = now - _last.Min();
            var span = new StreamSpan(_tokens, Stopwatch.GetElapsedTime(0, Math.Max(_gap, waiting)));
            (_tokens, _gap) = (0, 0);
            return span;
        }
    }

    /// <summary>Ends the streams.</summary>
    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await Task.WhenAll(_clients).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _stop.Dispose();
    }

    private async Task RunAsync(int client)
    {
        while (true)
        {
            var text = new StringBuilder();
            await using IGeneration generation = await _generator.StartAsync(_request, _stop.Token);
            await foreach (GenerationChunk chunk in generation.ReadAllAsync(_stop.Token))
            {
                text.Append(chunk.Text);
                Note(client);
            }

            lock (_gate)
            {
                Answers++;
                Different += text.ToString() == _expected ? 0 : 1;
            }
        }
    }

    private void Note(int client)
    {
        lock (_gate)
        {
            long now = Stopwatch.GetTimestamp();
            _gap = Math.Max(_gap, now - _last[client]);
            _last[client] = now;
            _tokens++;
        }
    }
}
