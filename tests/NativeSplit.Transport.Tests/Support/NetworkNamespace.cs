using System.Diagnostics;
using System.Net;
using System.Runtime.InteropServices;

namespace NativeSplit.Transport.Tests.Support;

/// <summary>A network namespace of the kernel, joined to ours by a cable (a veth pair) that can be slowed and made to lose packets. For root on Linux.</summary>
internal sealed partial class NetworkNamespace : IDisposable
{
    private const int CloneNewNet = 0x4000_0000;

    private readonly string _name = $"nstest{Environment.ProcessId}";
    private readonly string _cable = $"nst{Environment.ProcessId}";

    private NetworkNamespace()
    {
    }

    /// <summary>Our end of the cable.</summary>
    public static IPAddress Here { get; } = IPAddress.Parse("10.213.77.1");

    /// <summary>The other end.</summary>
    public static IPAddress There { get; } = IPAddress.Parse("10.213.77.2");

    /// <summary>Makes one, or says why it can't be had.</summary>
    public static NetworkNamespace? TryMake(out string reason)
    {
        reason = string.Empty;
        if (!OperatingSystem.IsLinux() || !Environment.IsPrivilegedProcess)
        {
            reason = "network namespaces need root on Linux";
            return null;
        }

        var made = new NetworkNamespace();
        string? fault = Run("ip", $"netns add {made._name}")
            ?? Run("ip", $"link add {made._cable}a type veth peer name {made._cable}b netns {made._name}")
            ?? Run("ip", $"addr add {Here}/24 dev {made._cable}a")
            ?? Run("ip", $"link set {made._cable}a up")
            ?? Run("ip", $"-n {made._name} addr add {There}/24 dev {made._cable}b")
            ?? Run("ip", $"-n {made._name} link set {made._cable}b up");
        if (fault is null)
        {
            return made;
        }

        made.Dispose();
        reason = $"no network namespace: {fault}";
        return null;
    }

    /// <summary>Slows our end of the cable by a token bucket. Null, or why it can't.</summary>
    public string? Slow(string rate) => Run("tc", $"qdisc add dev {_cable}a root tbf rate {rate} burst 32kb latency 50ms");

    /// <summary>Loses some packets that arrive there. Null, or why it can't.</summary>
    public string? Lose(int percent) => Run("ip", $"netns exec {_name} nft add table ip test")
        ?? Run("ip", $"netns exec {_name} nft add chain ip test in {{ type filter hook input priority 0 ; }}")
        ?? Run("ip", $"netns exec {_name} nft add rule ip test in numgen random mod 100 < {percent} drop");

    /// <summary>
    /// Does something on a thread that lives there: sockets it makes are there for ever. So would be threads that it starts, and those of the pool among
    /// them; make a socket and no more.
    /// </summary>
    public T Inside<T>(Func<T> action)
    {
        T result = default!;
        Exception? failure = null;
        var thread = new Thread(() =>
        {
            try
            {
                using Microsoft.Win32.SafeHandles.SafeFileHandle there = File.OpenHandle($"/var/run/netns/{_name}");
                if (SetNamespace((int)there.DangerousGetHandle(), CloneNewNet) != 0)
                {
                    throw new InvalidOperationException($"setns failed: {Marshal.GetLastPInvokeErrorMessage()}");
                }

                result = action();
            }
            catch (Exception e)
            {
                failure = e;
            }
        });
        thread.Start();
        thread.Join();
        return failure is null ? result : throw new InvalidOperationException("Inside the namespace: " + failure.Message, failure);
    }

    public void Dispose()
    {
        Run("ip", $"link del {_cable}a");
        Run("ip", $"netns del {_name}");
    }

    [LibraryImport("libc", EntryPoint = "setns", SetLastError = true)]
    private static partial int SetNamespace(int descriptor, int kind);

    // Null, or what went wrong.
    private static string? Run(string program, string arguments)
    {
        try
        {
            using Process process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardError = true, RedirectStandardOutput = true })!;
            string error = process.StandardError.ReadToEnd();
            process.WaitForExit();
            return process.ExitCode == 0 ? null : $"{program} {arguments}: {error.Trim()}";
        }
        catch (System.ComponentModel.Win32Exception e)
        {
            return $"{program}: {e.Message}";
        }
    }
}
