using System.Collections.Concurrent;
using System.Diagnostics;
using NativeSplit.Cluster;
using NativeSplit.Host.Verbs;
using NativeSplit.Placement;

namespace NativeSplit.Host.Demo;

/// <summary>A worker as a real process of this same program, with its token in the environment.</summary>
internal sealed class WorkerProcess : IAsyncDisposable
{
    private static readonly TimeSpan GracePeriod = TimeSpan.FromSeconds(5);
    private readonly Process _process;
    private readonly ConcurrentQueue<string> _errors = new();

    private WorkerProcess(NodeId node, Process process)
    {
        Node = node;
        _process = process;
        process.ErrorDataReceived += (_, line) => Keep(line.Data);
        process.OutputDataReceived += (_, line) => Keep(line.Data);
        process.BeginErrorReadLine();
        process.BeginOutputReadLine();
    }

    public NodeId Node { get; }

    public int Id => _process.Id;

    /// <param name="node">Its name, for messages.</param>
    /// <param name="port">Link port of the gateway.</param>
    /// <param name="token">Its join token.</param>
    /// <param name="arguments">More arguments of the worker verb.</param>
    public static WorkerProcess Start(NodeId node, int port, string token, IEnumerable<string> arguments)
    {
        string program = Environment.ProcessPath ?? throw new UsageException("This program's own file can't be found, so no worker can be started.");
        var start = new ProcessStartInfo(program) { RedirectStandardError = true, RedirectStandardOutput = true, RedirectStandardInput = true };
        if (Path.GetFileNameWithoutExtension(program) == "dotnet")
        {
            start.ArgumentList.Add(typeof(WorkerProcess).Assembly.Location);
        }

        foreach (string argument in (string[])["worker", "--gateway", $"127.0.0.1:{port}", "--listen", "127.0.0.1:0", "--exit-with-gateway", .. arguments])
        {
            start.ArgumentList.Add(argument);
        }

        start.Environment[WorkerVerb.TokenVariable] = token;
        return new WorkerProcess(node, Process.Start(start) ?? throw new UsageException($"{program} can't be started as a worker."));
    }

    /// <summary>Kills it as the system would: no goodbye.</summary>
    public void Kill() => _process.Kill(entireProcessTree: true);

    /// <summary>Never ends well: faults, with what the worker said, when its process ends.</summary>
    public async Task WatchAsync(CancellationToken cancellationToken)
    {
        await _process.WaitForExitAsync(cancellationToken);
        throw new ClusterException(ClusterFault.NodeLost, $"{Node} ended with exit code {_process.ExitCode}: {string.Join(" / ", _errors)}");
    }

    public async ValueTask DisposeAsync()
    {
        using (_process)
        {
            using var grace = new CancellationTokenSource(GracePeriod);
            try
            {
                // The gateway has said goodbye; the worker ends by itself.
                await _process.WaitForExitAsync(grace.Token);
            }
            catch (OperationCanceledException)
            {
                _process.Kill(entireProcessTree: true);
            }
        }
    }

    private void Keep(string? line)
    {
        if (line is not null)
        {
            _errors.Enqueue(line);
            while (_errors.Count > 10)
            {
                _errors.TryDequeue(out _);
            }
        }
    }
}
