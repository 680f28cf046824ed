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

    private static readonly Dictionary<string, KeyValueType> NamesOfKvTypes = new(StringComparer.OrdinalIgnoreCase)
    {
        ["f32"] = KeyValueType.F32,
        ["f16"] = KeyValueType.F16,
        ["q8_0"] = KeyValueType.Q8_0,
    };

    private readonly Option<int> _threads;

    private readonly Option<string?> _kernels = Kernels();

    private readonly Option<KeyValueType> _kvType = KvType();

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
        Description = "Kernel set: scalar, avx2, avx512 or advsimd. Default: the fastest this processor has, or NATIVESPLIT_KERNELS.",
        HelpName = "NAME",
    };

    public static Option<bool> Pin() => new("--pin") { Description = "Bind each computing thread to a processor of its own. For machines that do little else; Linux only." };

    public static Option<KeyValueType> KvType()
    {
        Option<KeyValueType> option = new("--kv-type")
        {
            Description = "How the KV cache keeps keys and values: f32 (exact), f16 (half the memory) or q8_0 (about a quarter). The same on every node.",
            HelpName = "f32|f16|q8_0",
            DefaultValueFactory = _ => KeyValueType.F32,
            CustomParser = result => result.Tokens is [{ Value: var name }] && NamesOfKvTypes.TryGetValue(name, out KeyValueType type) ? type : Refuse(result),
        };
        option.CompletionSources.Add([.. NamesOfKvTypes.Keys]);
        return option;

        static KeyValueType Refuse(System.CommandLine.Parsing.ArgumentResult result)
        {
            result.AddError($"--kv-type takes {string.Join(", ", NamesOfKvTypes.Keys)}.");
            return default;
        }
    }

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
        command.Add(_kvType);
        command.Add(_device);
    }

    public Compute Read(ParseResult parsed)
    {
        int threads = parsed.GetValue(_threads);
        if (threads is < 1 or > 1024)
        {
            throw new UsageException($"--threads {threads} is outside 1 to 1024.");
        }

        var read = new Compute(KernelCatalog.Select(parsed.GetValue(_kernels)), threads, Pin: parsed.GetValue(_pin), Device: ReadDevice(parsed.GetRequiredValue(_device))) { KvType = parsed.GetValue(_kvType) };
        read.Check();
        return read;
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

    /// <summary>How the KV cache keeps keys and values.</summary>
    public KeyValueType KvType { get; init; }

    /// <summary>Checks that the options go together.</summary>
    /// <exception cref="UsageException">They don't.</exception>
    public void Check()
    {
        if (Device is not null && KvType != KeyValueType.F32)
        {
            throw new UsageException("--kv-type is for the processor; a device keeps keys and values as f32. Leave one of --device and --kv-type out.");
        }
    }
}
