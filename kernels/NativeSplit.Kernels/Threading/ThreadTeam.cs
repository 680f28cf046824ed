using System.Diagnostics;
using System.Runtime.ExceptionServices;

namespace NativeSplit.Kernels.Threading;

/// <summary>A fixed team of threads that does one job at a time, every thread one part of it.</summary>
/// <remarks>
/// The caller of <see cref="Run"/> does part 0; parts 1 to N − 1 run on threads that the team owns, named
/// <c>nativesplit-kernel-1</c> and so on. Threads spin for some 30 µs between jobs, so that the next operation of a
/// layer finds them awake, then park: an idle team takes no processor time. <see cref="Run"/> allocates nothing.
/// One thread at a time may call it, and not from inside a part.
/// </remarks>
public sealed class ThreadTeam : IDisposable
{
    private readonly TeamThread[] _threads;
    private readonly Exception?[] _faults;
    private readonly ParkingSpot _callerSpot;
    private PaddedInt _generation;
    private PaddedInt _pending;
    private ITeamJob? _job;
    private int _busy;
    private bool _stopping;
    private bool _disposed;

    private ThreadTeam(int threads, int[] processors)
    {
        Size = threads;
        _faults = new Exception?[threads];
        long spinTicks = threads <= Environment.ProcessorCount ? Stopwatch.Frequency * 30 / 1_000_000 : 0;
        _callerSpot = new ParkingSpot(spinTicks);
        _threads = new TeamThread[threads - 1];
        for (int i = 0; i < _threads.Length; i++)
        {
            _threads[i] = new TeamThread(this, i + 1, spinTicks, processors.Length == 0 ? null : processors[i + 1]);
        }

        foreach (TeamThread thread in _threads)
        {
            thread.Thread.Start();
        }
    }

    /// <summary>Threads to use when nobody says otherwise: the processors this process may use (cgroup limits included).</summary>
    public static int DefaultSize => Environment.ProcessorCount;

    /// <summary>Number of parts of every job, the caller's included.</summary>
    public int Size { get; }

    /// <summary>Starts a team.</summary>
    /// <param name="threads">Number of parts, the caller's included; 1 makes a team that runs all inline.</param>
    /// <param name="pin">
    /// Whether to bind each thread of the team's own to one of the processors that this process may use. The first of them stays free for
    /// the caller, which isn't bound: it is somebody else's thread. Helps where the system moves threads about; harms where others
    /// compute on the same processors.
    /// </param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="threads"/> isn't in [1, 1024].</exception>
    /// <exception cref="KernelException"><see cref="KernelFault.UnsupportedBinding"/>: there are fewer processors than threads, or the system doesn't bind threads.</exception>
    public static ThreadTeam Create(int threads, bool pin = false)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(threads);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(threads, 1024);
        int[] processors = pin ? ProcessorBinding.Allowed() : [];
        if (pin && processors.Length < threads)
        {
            throw new KernelException(
                KernelFault.UnsupportedBinding,
                $"{threads} threads can't be pinned to {processors.Length} processors, one each; use at most {processors.Length}, or leave pinning off.");
        }

        var team = new ThreadTeam(threads, processors);
        try
        {
            team.BindThreads();
            return team;
        }
        catch
        {
            team.Dispose();
            throw;
        }
    }

    /// <summary>Does every part of a job and returns when all have ended.</summary>
    /// <param name="job">The job.</param>
    /// <exception cref="ObjectDisposedException">The team was disposed.</exception>
    /// <exception cref="InvalidOperationException">The team is at work already: another thread, or a part of the job, calls it.</exception>
    /// <exception cref="AggregateException">Several parts threw. When one part threw, its own exception is rethrown. The team stays usable.</exception>
    public void Run(ITeamJob job)
    {
        ArgumentNullException.ThrowIfNull(job);
        Enter();
        try
        {
            if (_threads.Length == 0)
            {
                job.Execute(0, 1);
                return;
            }

            _job = job;
            Volatile.Write(ref _pending.Value, _threads.Length);
            Interlocked.Increment(ref _generation.Value);
            foreach (TeamThread thread in _threads)
            {
                thread.Spot.Wake();
            }

            ExecutePart(job, 0);
            _callerSpot.WaitUntil(ref _pending.Value, 0);
            _job = null;
            ThrowFaults();
        }
        finally
        {
            Volatile.Write(ref _busy, 0);
        }
    }

    /// <summary>Ends the threads and waits for them; a second call does nothing.</summary>
    /// <exception cref="InvalidOperationException">A job is running.</exception>
    public void Dispose()
    {
        if (_disposed)
        {
            return;
        }

        Enter();
        _disposed = true;
        _stopping = true;
        Interlocked.Increment(ref _generation.Value);
        foreach (TeamThread thread in _threads)
        {
            thread.Spot.Wake();
            thread.Thread.Join();
            thread.Spot.Dispose();
        }

        _callerSpot.Dispose();
        Volatile.Write(ref _busy, 0);
    }

    /// <summary>Each thread binds itself, as a job, so that a refusal reaches whoever makes the team.</summary>
    private void BindThreads()
    {
        if (Array.Exists(_threads, thread => thread.Processor is not null))
        {
            Run(new BindJob(_threads));
        }
    }

    private void Enter()
    {
        if (Interlocked.CompareExchange(ref _busy, 1, 0) != 0)
        {
            throw new InvalidOperationException("The thread team is at work already; one thread at a time may use it, and not from inside a part.");
        }

        if (_disposed)
        {
            Volatile.Write(ref _busy, 0);
            throw new ObjectDisposedException(nameof(ThreadTeam));
        }
    }

    private void ExecutePart(ITeamJob job, int part)
    {
        try
        {
            job.Execute(part, Size);
        }
#pragma warning disable CA1031 // Kept for the caller, who gets it when all parts have ended.
        catch (Exception fault)
#pragma warning restore CA1031
        {
            _faults[part] = fault;
        }
    }

    private void ThrowFaults()
    {
        int count = 0;
        Exception? first = null;
        foreach (Exception? fault in _faults)
        {
            if (fault is not null)
            {
                first ??= fault;
                count++;
            }
        }

        if (first is null)
        {
            return;
        }

        Exception[] all = count == 1 ? [] : [.. _faults.OfType<Exception>()];
        Array.Clear(_faults);
        if (count > 1)
        {
            throw new AggregateException($"{count} of {Size} parts failed.", all);
        }

        ExceptionDispatchInfo.Throw(first);
    }

    private void Serve(TeamThread self)
    {
        int seen = 0;
        while (true)
        {
            self.Spot.WaitUntil(ref _generation.Value, unchecked(seen + 1));
            if (_stopping)
            {
                return;
            }

            seen++;
            ExecutePart(_job!, self.Part);
            if (Interlocked.Decrement(ref _pending.Value) == 0)
            {
                _callerSpot.Wake();
            }
        }
    }

    private sealed class BindJob(TeamThread[] threads) : ITeamJob
    {
        public void Execute(int part, int parts)
        {
            if (part > 0 && threads[part - 1].Processor is { } processor)
            {
                ProcessorBinding.Bind(processor);
            }
        }
    }

    private sealed class TeamThread
    {
        public TeamThread(ThreadTeam team, int part, long spinTicks, int? processor)
        {
            Part = part;
            Processor = processor;
            Spot = new ParkingSpot(spinTicks);
            Thread = new Thread(() => team.Serve(this))
            {
                IsBackground = true,
                Name = $"nativesplit-kernel-{part}",
            };
        }

        public int Part { get; }

        /// <summary>Processor to be bound to; null: none.</summary>
        public int? Processor { get; }

        public ParkingSpot Spot { get; }

        public Thread Thread { get; }
    }
}
