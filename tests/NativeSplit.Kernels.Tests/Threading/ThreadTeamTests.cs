using System.Collections.Concurrent;
using System.Runtime.InteropServices;
using NativeSplit.Kernels.Formats;
using NativeSplit.Kernels.Threading;

namespace NativeSplit.Kernels.Tests.Threading;

/// <summary>A team runs every part once, survives faults, allocates nothing and parks when idle.</summary>
public sealed class ThreadTeamTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(8)]
    public void Run_DoesEveryPartOnItsOwnThread_InEveryJob(int threads)
    {
        using var team = ThreadTeam.Create(threads);
        Assert.Equal(threads, team.Size);
        int[] threadOfPart = new int[threads];
        string?[] names = new string?[threads];
        for (int round = 0; round < 200; round++)
        {
            int[] runs = new int[threads];
            team.Run(new Job((part, parts) =>
            {
                Assert.Equal(threads, parts);
                Interlocked.Increment(ref runs[part]);
                int id = Environment.CurrentManagedThreadId;
                Assert.True(threadOfPart[part] == 0 || threadOfPart[part] == id);
                threadOfPart[part] = id;
                names[part] = Thread.CurrentThread.Name;
            }));
            Assert.All(runs, count => Assert.Equal(1, count));
        }

        Assert.Equal(threads, threadOfPart.Distinct().Count());
        Assert.Equal(Environment.CurrentManagedThreadId, threadOfPart[0]);
        Assert.Equal(Enumerable.Range(1, threads - 1).Select(part => $"nativesplit-kernel-{part}"), names.Skip(1));
    }

    [Fact]
    public void Run_LosesNoWakeUp_OverManyJobsWithParkedThreads()
    {
        using var team = ThreadTeam.Create(4);
        var counter = new Counter(4);
        const int Rounds = 20_000;
        for (int round = 0; round < Rounds; round++)
        {
            team.Run(counter);
        }

        Assert.All(counter.Counts, count => Assert.Equal(Rounds, count));
    }

    [Fact]
    public void Run_RethrowsAfterAllPartsEnded_WhenOnePartThrows()
    {
        using var team = ThreadTeam.Create(3);
        for (int failing = 0; failing < 3; failing++)
        {
            int ended = 0;
            int chosen = failing;
            InvalidDataException fault = Assert.Throws<InvalidDataException>(() => team.Run(new Job((part, _) =>
            {
                Interlocked.Increment(ref ended);
                if (part == chosen)
                {
                    throw new InvalidDataException($"part {part}");
                }
            })));
            Assert.Equal($"part {failing}", fault.Message);
            Assert.Equal(3, ended);
        }

        AggregateException all = Assert.Throws<AggregateException>(() => team.Run(new Job((part, _) => throw new InvalidDataException($"part {part}"))));
        Assert.Equal(["part 0", "part 1", "part 2"], all.InnerExceptions.Select(fault => fault.Message));

        var counter = new Counter(3);
        team.Run(counter);
        Assert.All(counter.Counts, count => Assert.Equal(1, count));
    }

    [Fact]
    public void Run_RethrowsTheFault_WhenTheTeamHasOneThread()
    {
        using var team = ThreadTeam.Create(1);
        Assert.Throws<InvalidDataException>(() => team.Run(new Job((_, _) => throw new InvalidDataException())));
        var counter = new Counter(1);
        team.Run(counter);
        Assert.Equal(1, counter.Counts[0]);
    }

    [Fact]
    public void Run_AllocatesNothing_OnAnyThread()
    {
        using var team = ThreadTeam.Create(3);
        var job = new AllocationProbe(3);
        for (int round = 0; round < 500; round++)
        {
            team.Run(job);
        }

        // Each part notes its thread's total: the difference spans a whole cycle of waiting, waking and working.
        long[] warm = [.. job.Totals];
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int round = 0; round < 500; round++)
        {
            team.Run(job);
        }

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
        Assert.Equal(warm[1..], job.Totals[1..]);
    }

    [Fact]
    public void Run_Refuses_ToStartInsideAPartOrAfterDisposal()
    {
        using var team = ThreadTeam.Create(2);
        var faults = new ConcurrentBag<Exception>();
        team.Run(new Job((_, _) =>
        {
            faults.Add(Assert.Throws<InvalidOperationException>(() => team.Run(new Counter(2))));
            faults.Add(Assert.Throws<InvalidOperationException>(team.Dispose));
        }));
        Assert.Equal(4, faults.Count);
        Assert.Throws<ArgumentNullException>(() => team.Run(null!));
        team.Dispose();
        team.Dispose();
        Assert.Throws<ObjectDisposedException>(() => team.Run(new Counter(2)));
    }

    [Fact]
    public void Create_BindsItsThreadsToProcessorsOfTheirOwn_WhenPinned()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux() && Environment.ProcessorCount >= 2, "needs Linux and two processors");
        using var team = ThreadTeam.Create(2, pin: true);
        int[][] allowed = new int[2][];
        team.Run(new Job((part, _) => allowed[part] = ProcessorBinding.Allowed()));
        Assert.True(allowed[0].Length >= 2);
        Assert.Equal([allowed[0][1]], allowed[1]);
    }

    [Fact]
    public void Create_Refuses_ToPinMoreThreadsThanProcessors()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "pinning is for Linux");
        int threads = ProcessorBinding.Allowed().Length + 1;
        KernelException e = Assert.Throws<KernelException>(() => ThreadTeam.Create(threads, pin: true));
        Assert.Equal(KernelFault.UnsupportedBinding, e.Fault);
        Assert.Contains($"{threads} threads", e.Message);
    }

    [Fact]
    public void Dispose_EndsTheThreads_EvenWhenNoJobRan()
    {
        for (int round = 0; round < 50; round++)
        {
            using var team = ThreadTeam.Create(3);
        }

        Thread? worker = null;
        using (var team = ThreadTeam.Create(2))
        {
            team.Run(new Job((part, _) => worker = part == 1 ? Thread.CurrentThread : worker));
        }

        Assert.False(worker!.IsAlive);
        Assert.True(ThreadTeam.DefaultSize >= 1);
        Assert.Throws<ArgumentOutOfRangeException>(() => ThreadTeam.Create(0));
        Assert.Throws<ArgumentOutOfRangeException>(() => ThreadTeam.Create(1025));
    }

    [Fact]
    public void IdleThreads_AreParked_AfterTheSpin()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "skipped: the state of a thread is read from /proc");
        using var team = ThreadTeam.Create(3);
        int[] ids = new int[3];
        team.Run(new Job((part, _) => ids[part] = GetThreadId()));
        for (int part = 1; part < 3; part++)
        {
            // Sleeping ("S") means parked; a spinning thread shows "R". Waits as long as the test runner allows.
            string stat = $"/proc/self/task/{ids[part]}/stat";
            Assert.True(SpinWait.SpinUntil(() => StateOf(stat) == 'S', TimeSpan.FromSeconds(30)), $"part {part} isn't parked");
        }

        static char StateOf(string stat)
        {
            string text = File.ReadAllText(stat);
            return text[text.LastIndexOf(')') + 2];
        }
    }

    [Theory]
    [MemberData(nameof(KernelSetCases.Names), MemberType = typeof(KernelSetCases))]
    public void Multiply_GivesTheBitsOfOneThread_WhenATeamSharesTheRows(string kernels)
    {
        KernelSet set = KernelSetCases.Get(kernels);
        const int Rows = 37;
        const int Columns = 256;
        var random = new Random(81);
        var (region, matrix) = KernelSetCases.RandomMatrix(random, WeightType.Q4_K, Rows, Columns);
        using (region)
        {
            float[] x = KernelSetCases.RandomFloats(random, 3 * Columns);
            float[] expected = new float[3 * Rows];
            set.Multiply(matrix, 0, Rows, x, 3, expected, new float[Columns]);
            foreach (int threads in (int[])[1, 2, 3, 5])
            {
                using var team = ThreadTeam.Create(threads);
                float[] actual = new float[3 * Rows];
                team.Run(new Job((part, parts) =>
                {
                    WorkRange rows = WorkSplit.Of(Rows, 4, part, parts);
                    set.Multiply(matrix, rows.Start, rows.Count, x, 3, actual, new float[Columns]);
                }));
                Bits.AssertEqual(expected, actual, $"{threads} threads");
            }
        }
    }

    [DllImport("libc", EntryPoint = "gettid")]
    private static extern int GetThreadId();

    private sealed class Job(Action<int, int> action) : ITeamJob
    {
        public void Execute(int part, int parts) => action(part, parts);
    }

    private sealed class Counter(int parts) : ITeamJob
    {
        public int[] Counts { get; } = new int[parts];

        public void Execute(int part, int parts) => Counts[part]++;
    }

    private sealed class AllocationProbe(int parts) : ITeamJob
    {
        public long[] Totals { get; } = new long[parts];

        public void Execute(int part, int parts) => Totals[part] = GC.GetAllocatedBytesForCurrentThread();
    }
}
