using System.CommandLine;
using NativeSplit.Engine.Execution;
using NativeSplit.Kernels;
using NativeSplit.Kernels.Threading;

namespace NativeSplit.Host.Composition;

/// <summary>The options about how this process computes, the same for every verb that does.</summary>
internal sealed class ComputeOptions
{
    private readonly Option<int> _threads;

    private readonly Option<string?> _kernels = Kernels();

    /// <param name="processes">Processes that share this machine; the default gives each its part.</param>
    public ComputeOptions(int processes = 1) => _threads = new("--threads")
    {
        Description = processes == 1 ? "Threads that compute. Default: the processors this process may use." : "Threads that compute, in each process. Default: its share of the processors.",
        HelpName = "N",
        DefaultValueFactory = _ => Math.Max(1, ThreadTeam.DefaultSize / processes),
    };

    public static Option<string?> Kernels() => new("--kernels")
    {
        Description = "Kernel set: scalar, avx2, avx512 or advsimd. Default: the fastest this processor has, or NATIVESPLIT_KERNELS.",
        HelpName = "NAME",
    };

    /// <summary>Precision of activations, for verbs that run alone. Nodes of a cluster always use the same one, int8.</summary>
    /// <param name="standard">What the verb does when nothing is asked for.</param>
    public static Option<ActivationPrecision> Precision(ActivationPrecision standard) => new("--precision")
    {
        Description = "How activations meet quantised weights: float32 (exact) or int8 (several times as fast, rounded as llama.cpp rounds).",
        HelpName = "float32|int8",
        DefaultValueFactory = _ => standard,
    };

    public void AddTo(Command command)
    {
        command.Add(_threads);
        command.Add(_kernels);
    }

    public Compute Read(ParseResult parsed)
    {
        int threads = parsed.GetValue(_threads);
        if (threads is < 1 or > 1024)
        {
            throw new UsageException($"--threads {threads} is outside 1 to 1024.");
        }

        return new Compute(KernelCatalog.Select(parsed.GetValue(_kernels)), threads);
    }
}

/// <summary>How this process computes.</summary>
/// <param name="Kernels">Kernel set.</param>
/// <param name="Threads">Threads of a team.</param>
/// <param name="Precision">How activations meet quantised weights.</param>
internal sealed record Compute(KernelSet Kernels, int Threads, ActivationPrecision Precision = ActivationPrecision.Int8);
