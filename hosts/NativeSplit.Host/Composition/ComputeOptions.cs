using System.CommandLine;
using NativeSplit.Engine.Execution;
using NativeSplit.Kernels;
using NativeSplit.Kernels.Ilgpu;
using NativeSplit.Kernels.Threading;

namespace NativeSplit.Host.Composition;

/// <summary>The options about how this process computes, the same for every verb that does.</summary>
internal sealed class ComputeOptions
{
    /// <summary>What <c>--device</c> says for no device.</summary>
    public const string Processor = "cpu";

    private readonly Option<int> _threads;

    private readonly Option<string?> _kernels = Kernels();

    /// <param name="processes">Processes that share this machine; the default gives each its part.</param>
    public ComputeOptions(int processes = 1) => _threads = new("--threads")
    {
        Description = processes == 1 ? "Threads that compute. Default: the processors this process may use." : "Threads that compute, in each process. Default: its share of the processors.",
        HelpName = "N",
        DefaultValueFactory = _ => Math.Max(1, ThreadTeam.DefaultSize / processes),
    };

    private readonly Option<bool> _pin = Pin();

    private readonly Option<string> _device = Device();

    public static Option<string?> Kernels() => new("--kernels")
    {
        Description = "Kernel set: scalar, avx2 or avx512. Default: the fastest this processor has, or NATIVESPLIT_KERNELS.",
        HelpName = "NAME",
    };

    public static Option<bool> Pin() => new("--pin") { Description = "Bind each computing thread to a processor of its own. For machines that do little else; Linux only." };

    public static Option<string> Device() => new("--device")
    {
        Description = "Where the layers run: cpu, cuda:N or opencl:N (see `nativesplit devices`). Embedding and head always run on the processor.",
        HelpName = "DEVICE",
        DefaultValueFactory = _ => Processor,
    };

    /// <summary>Reads the name of a device; null for the processor.</summary>
    public static DeviceId? ReadDevice(string text) => text == Processor ? null
        : DeviceId.TryParse(text, out DeviceId id) ? id
        : throw new UsageException($"--device '{text}' isn't a device; give cpu, cuda:N or opencl:N. `nativesplit devices` lists them.");

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
        command.Add(_pin);
        command.Add(_device);
    }

    public Compute Read(ParseResult parsed)
    {
        int threads = parsed.GetValue(_threads);
        if (threads is < 1 or > 1024)
        {
            throw new UsageException($"--threads {threads} is outside 1 to 1024.");
        }

        return new Compute(KernelCatalog.Select(parsed.GetValue(_kernels)), threads, Pin: parsed.GetValue(_pin), Device: ReadDevice(parsed.GetRequiredValue(_device)));
    }
}

/// <summary>How this process computes.</summary>
/// <param name="Kernels">Kernel set.</param>
/// <param name="Threads">Threads of a team.</param>
/// <param name="Precision">How activations meet quantised weights.</param>
/// <param name="Pin">Whether threads are bound to processors.</param>
/// <param name="Device">Where the layers run; null for the processor.</param>
internal sealed record Compute(KernelSet Kernels, int Threads, ActivationPrecision Precision = ActivationPrecision.Int8, bool Pin = false, DeviceId? Device = null)
{
    /// <summary>A team of these threads; the caller owns it.</summary>
    public ThreadTeam CreateTeam() => ThreadTeam.Create(Threads, Pin);
}
