using System.Runtime.InteropServices;
using NativeSplit.Kernels.Interop;

namespace NativeSplit.Kernels.Threading;

/// <summary>Binds threads to processors, where the system can.</summary>
internal static unsafe class ProcessorBinding
{
    /// <summary>Bytes of a mask: 8192 processors, more than any kernel is built for.</summary>
    private const int MaskBytes = 1024;

    /// <summary>Numbers of the processors that the calling thread may run on, ascending.</summary>
    /// <exception cref="KernelException"><see cref="KernelFault.UnsupportedBinding"/>: the system can't tell.</exception>
    public static int[] Allowed()
    {
        if (!OperatingSystem.IsLinux())
        {
            throw new KernelException(KernelFault.UnsupportedBinding, "Threads can be pinned to processors on Linux only; leave pinning off here.");
        }

        byte* mask = stackalloc byte[MaskBytes];
        new Span<byte>(mask, MaskBytes).Clear();
        if (Libc.sched_getaffinity(0, MaskBytes, mask) < 0)
        {
            throw Failed("The system doesn't tell which processors this process may use");
        }

        List<int> processors = [];
        for (int processor = 0; processor < MaskBytes * 8; processor++)
        {
            if ((mask[processor / 8] >> (processor % 8) & 1) != 0)
            {
                processors.Add(processor);
            }
        }

        return [.. processors];
    }

    /// <summary>Binds the calling thread to one processor.</summary>
    /// <exception cref="KernelException"><see cref="KernelFault.UnsupportedBinding"/>: the system refused.</exception>
    public static void Bind(int processor)
    {
        byte* mask = stackalloc byte[MaskBytes];
        new Span<byte>(mask, MaskBytes).Clear();
        mask[processor / 8] = (byte)(1 << (processor % 8));
        if (Libc.sched_setaffinity(0, MaskBytes, mask) != 0)
        {
            throw Failed($"The system doesn't let a thread be pinned to processor {processor}");
        }
    }

    private static KernelException Failed(string what) => new(
        KernelFault.UnsupportedBinding, $"{what}: {Marshal.GetLastPInvokeErrorMessage()}. Leave pinning off, or give this process the right to set its affinity.");
}
