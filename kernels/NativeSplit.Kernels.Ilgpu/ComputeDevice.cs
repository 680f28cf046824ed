using ILGPU;
using ILGPU.Runtime;
using NativeSplit.Kernels.Ilgpu.Devices;

namespace NativeSplit.Kernels.Ilgpu;

/// <summary>An opened device with its queue and its compiled kernels. Several executors may share it.</summary>
/// <remarks>
/// Owns the driver's context. Work of one caller at a time: enter with <see cref="Enter"/>, which also binds the device to the
/// calling thread. Memory comes from <see cref="CreateMemory"/>; dispose that first, the device last.
/// </remarks>
public sealed class ComputeDevice : IDisposable
{
    private readonly Context _context;
    private readonly Lock _gate = new();
    private readonly long _limit;
    private long _liveBytes;
    private bool _disposed;

    private ComputeDevice(DeviceInfo info, Context context, Accelerator accelerator, long? memoryLimitBytes)
    {
        Info = info;
        _context = context;
        Accelerator = accelerator;
        _limit = Math.Min(memoryLimitBytes ?? long.MaxValue, info.MemoryBytes);
        Kernels = new DeviceKernels(this);
    }

    /// <summary>What it is.</summary>
    public DeviceInfo Info { get; }

    /// <summary>Name on the command line.</summary>
    public DeviceId Id => Info.Id;

    /// <summary>Operations.</summary>
    public DeviceKernels Kernels { get; }

    /// <summary>Bytes of device memory that are allocated through this object.</summary>
    public long LiveBytes => Interlocked.Read(ref _liveBytes);

    /// <summary>Bytes that may be allocated.</summary>
    public long MemoryLimitBytes => _limit;

    internal Accelerator Accelerator { get; }

    internal AcceleratorStream Stream => Accelerator.DefaultStream;

    /// <summary>Opens a device.</summary>
    /// <param name="id">Which.</param>
    /// <param name="memoryLimitBytes">Bytes to use at most; null for all it has.</param>
    /// <exception cref="DeviceException">There is no driver or no such device, or it can't run the kernels.</exception>
    public static ComputeDevice Open(DeviceId id, long? memoryLimitBytes = null)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(id.Index, nameof(id));
        ArgumentOutOfRangeException.ThrowIfNegative(memoryLimitBytes ?? 0, nameof(memoryLimitBytes));
        if (!NativeLibraries.IsPresent(id.Kind, out string library))
        {
            throw new DeviceException(
                DeviceFault.NoDriver, $"{id} can't be used: {library} isn't installed. Install the device's driver, or leave --device out to compute on the processor.");
        }

        Context? context = null;
        try
        {
            context = DeviceContexts.Create(id.Kind);
            List<Device> devices = DeviceContexts.DevicesOf(context, id.Kind);
            if (id.Index >= devices.Count)
            {
                throw new DeviceException(
                    devices.Count == 0 ? DeviceFault.NoDriver : DeviceFault.NoSuchDevice,
                    $"{id} doesn't exist: the {DeviceId.NameOf(id.Kind)} driver offers {devices.Count} device(s). `nativesplit devices` lists them.");
            }

            DeviceInfo info = DeviceContexts.Describe(id, devices[id.Index]);
            if (info.Obstacle is { } obstacle)
            {
                throw new DeviceException(DeviceFault.NoSuchDevice, $"{id} ({info.Name}) can't run the kernels: {obstacle}. Choose another device.");
            }

            return new ComputeDevice(info, context, devices[id.Index].CreateAccelerator(context), memoryLimitBytes);
        }
        catch (Exception e)
        {
            context?.Dispose();
            if (DriverErrors.IsOne(e))
            {
                throw DriverErrors.Wrap(id, "it was opened", e);
            }

            throw;
        }
    }

    /// <summary>Makes an empty store of memory on the device; the caller owns it.</summary>
    public DeviceMemory CreateMemory()
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        return new DeviceMemory(this);
    }

    /// <summary>Takes the device for the calling thread until the scope is disposed; waits while another thread has it.</summary>
    public Scope Enter()
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        _gate.Enter();
        Accelerator.Bind();
        return new Scope(this);
    }

    /// <summary>Waits until everything that was launched is done.</summary>
    /// <exception cref="DeviceException">The device failed.</exception>
    public void Synchronize()
    {
        try
        {
            Stream.Synchronize();
        }
        catch (Exception e) when (DriverErrors.IsOne(e))
        {
            throw DriverErrors.Wrap(Id, "it computed", e);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (!_disposed)
        {
            _disposed = true;
            Accelerator.Dispose();
            _context.Dispose();
        }
    }

    /// <summary>Counts an allocation in.</summary>
    /// <exception cref="DeviceException">It goes past the limit.</exception>
    internal void Charge(long bytes, string purpose)
    {
        long live = Interlocked.Add(ref _liveBytes, bytes);
        if (live > _limit)
        {
            Interlocked.Add(ref _liveBytes, -bytes);
            throw new DeviceException(
                DeviceFault.OutOfMemory,
                $"{Id} ({Info.Name}) has no room for {purpose}: {bytes} bytes are wanted, {live - bytes} of {_limit} are taken. Give this node fewer layers or a smaller KV cache.");
        }
    }

    /// <summary>Counts an allocation out.</summary>
    internal void Discharge(long bytes) => Interlocked.Add(ref _liveBytes, -bytes);

    /// <summary>The time in which one thread has the device.</summary>
    public readonly ref struct Scope
    {
        private readonly ComputeDevice _device;

        internal Scope(ComputeDevice device) => _device = device;

        /// <summary>Lets the next thread in. Work that was launched goes on.</summary>
        public void Dispose() => _device._gate.Exit();
    }
}
