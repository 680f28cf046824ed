using NativeSplit.Kernels.Ilgpu;

namespace NativeSplit.Host.Composition;

/// <summary>A share of an opened device. Executors of one process share a device, its context and its compiled kernels; the last one closes it.</summary>
internal sealed class DeviceLease : IDisposable
{
    private static readonly Lock Gate = new();
    private static readonly Dictionary<DeviceId, Shared> Open = [];

    private readonly Shared _shared;
    private bool _disposed;

    private DeviceLease(Shared shared) => _shared = shared;

    /// <summary>The device; lent until the lease is disposed.</summary>
    public ComputeDevice Device => _shared.Device;

    /// <summary>Opens a device, or shares the one that is open.</summary>
    /// <exception cref="DeviceException">There is no driver or no such device, or it can't run the kernels.</exception>
    public static DeviceLease Take(DeviceId id)
    {
        lock (Gate)
        {
            if (!Open.TryGetValue(id, out Shared? shared))
            {
                shared = new Shared(ComputeDevice.Open(id));
                Open.Add(id, shared);
            }

            shared.Leases++;
            return new DeviceLease(shared);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        lock (Gate)
        {
            if (_disposed)
            {
                return;
            }

            _disposed = true;
            if (--_shared.Leases == 0)
            {
                Open.Remove(_shared.Device.Id);
                _shared.Device.Dispose();
            }
        }
    }

    private sealed class Shared(ComputeDevice device)
    {
        public ComputeDevice Device { get; } = device;

        public int Leases { get; set; }
    }
}
