namespace NativeSplit.Engine.Generation;

/// <summary>Requests that wait for room, oldest first, each with the time its wait began. For the generator's loop alone.</summary>
internal sealed class AdmissionQueue
{
    private readonly List<(RunningGeneration Generation, long Since)> _waiting = [];
    private readonly TimeProvider _time;
    private readonly TimeSpan _wait;
    private readonly int _limit;

    /// <summary>Makes an empty queue.</summary>
    public AdmissionQueue(TextGeneratorOptions options, TimeProvider time)
    {
        _time = time;
        _wait = options.AdmissionWait;
        _limit = options.AdmissionWait > TimeSpan.Zero ? options.MaxWaiting : 0;
    }

    /// <summary>Requests that wait.</summary>
    public int Count => _waiting.Count;

    /// <summary>The one that has waited longest.</summary>
    public RunningGeneration First => _waiting[0].Generation;

    /// <summary>Whether the first one's time is over.</summary>
    public bool IsFirstOver => _time.GetElapsedTime(_waiting[0].Since) >= _wait;

    /// <summary>Time until the first one's is over; from 0.</summary>
    public TimeSpan FirstLeft => _wait - _time.GetElapsedTime(_waiting[0].Since) is var left && left > TimeSpan.Zero ? left : TimeSpan.Zero;

    /// <summary>Adds a request at the end; false when the queue is full, or nobody may wait.</summary>
    public bool TryAdd(RunningGeneration generation)
    {
        if (_waiting.Count >= _limit)
        {
            return false;
        }

        _waiting.Add((generation, _time.GetTimestamp()));
        return true;
    }

    /// <summary>Takes a request out; false when it isn't here.</summary>
    public bool Remove(RunningGeneration generation)
    {
        int index = _waiting.FindIndex(entry => entry.Generation == generation);
        if (index >= 0)
        {
            _waiting.RemoveAt(index);
        }

        return index >= 0;
    }
}
