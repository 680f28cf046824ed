using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using ILGPU;
using ILGPU.Runtime;
using NativeSplit.Kernels.Ilgpu.Devices;
using NativeSplit.Kernels.Ilgpu.Formats;

namespace NativeSplit.Kernels.Ilgpu;

/// <summary>A pool of memory on a device: large slabs, cut into pieces that live as long as the pool. Owns the slabs.</summary>
/// <remarks>
/// An executor takes all it needs when it is made, so nothing is allocated per token. Small pieces share a slab; a piece larger
/// than a slab gets its own. Pieces start at multiples of 256 bytes. Not thread-safe.
/// </remarks>
public sealed class DeviceMemory : IDisposable
{
    private const long SlabBytes = 8L << 20;
    private const long Alignment = 256;
    private const int UploadBytes = 4 << 20;

    private readonly ComputeDevice _device;
    private readonly List<MemoryBuffer1D<byte, Stride1D.Dense>> _slabs = [];
    private readonly List<StagingBuffer> _staging = [];
    private MemoryBuffer1D<byte, Stride1D.Dense>? _open;
    private long _used;
    private bool _disposed;

    internal DeviceMemory(ComputeDevice device) => _device = device;

    /// <summary>Bytes taken from the device.</summary>
    public long ByteLength { get; private set; }

    /// <summary>Takes a piece for floats. Its contents are undefined.</summary>
    /// <param name="length">Elements.</param>
    /// <param name="purpose">What for, for messages: "the KV cache of layer 3".</param>
    /// <exception cref="DeviceException">The device hasn't that much memory.</exception>
    public DeviceArray<float> AllocateFloats(int length, string purpose) => Allocate<float>(length, purpose);

    /// <summary>Takes a piece for words. Its contents are undefined.</summary>
    /// <inheritdoc cref="AllocateFloats"/>
    public DeviceArray<int> AllocateInts(int length, string purpose) => Allocate<int>(length, purpose);

    /// <summary>Takes a buffer that lies both here and in the processor's memory, for transfers.</summary>
    /// <inheritdoc cref="AllocateFloats"/>
    public StagingBuffer AllocateStaging(int length, string purpose)
    {
        DeviceArray<float> there = Allocate<float>(length, purpose);
        try
        {
            var staging = new StagingBuffer(_device, there, _device.Accelerator.AllocatePageLocked1D<float>(length));
            _staging.Add(staging);
            return staging;
        }
        catch (Exception e) when (DriverErrors.IsOne(e))
        {
            throw DriverErrors.Wrap(_device.Id, $"memory for {purpose} was taken", e);
        }
    }

    /// <summary>Copies a vector to the device.</summary>
    /// <exception cref="DeviceException">The device hasn't that much memory, or failed.</exception>
    public DeviceArray<float> Upload(ReadOnlySpan<float> values, string purpose)
    {
        DeviceArray<float> array = Allocate<float>(values.Length, purpose);
        using ComputeDevice.Scope scope = _device.Enter();
        Copy(values, array.View, purpose);
        return array;
    }

    /// <summary>Copies a matrix to the device, in its quantised blocks.</summary>
    /// <param name="matrix">The matrix; not needed afterwards.</param>
    /// <param name="purpose">Which, for messages.</param>
    /// <exception cref="DeviceException">No kernel for the type or the shape, or the device hasn't that much memory, or failed.</exception>
    public DeviceMatrix Upload(WeightMatrix matrix, string purpose)
    {
        ArgumentNullException.ThrowIfNull(matrix);
        DeviceLayout layout = DeviceLayout.Of(matrix);
        int quantWords = layout.QuantWords(matrix.Columns);
        int scaleWords = layout.ScaleWords(matrix.Columns);
        DeviceArray<int> quants = Allocate<int>(matrix.Rows * quantWords, purpose);

        // A type without scales gets one word: kernels take a view that isn't empty.
        DeviceArray<int> scales = Allocate<int>(Math.Max(1, matrix.Rows * scaleWords), purpose);
        int step = Math.Clamp(UploadBytes / (quantWords * sizeof(int)), 1, matrix.Rows);
        int[] quantPart = new int[step * quantWords];
        int[] scalePart = new int[step * scaleWords];
        using ComputeDevice.Scope scope = _device.Enter();
        for (int row = 0; row < matrix.Rows; row += step)
        {
            int count = Math.Min(step, matrix.Rows - row);
            for (int i = 0; i < count; i++)
            {
                layout.Split(matrix.BorrowRow(row + i), matrix.Columns, quantPart.AsSpan(i * quantWords, quantWords), scalePart.AsSpan(i * scaleWords, scaleWords));
            }

            Copy<int>(quantPart.AsSpan(0, count * quantWords), quants.View.SubView((long)row * quantWords, count * quantWords), purpose);
            if (scaleWords > 0)
            {
                Copy<int>(scalePart.AsSpan(0, count * scaleWords), scales.View.SubView((long)row * scaleWords, count * scaleWords), purpose);
            }
        }

        return new DeviceMatrix(matrix.Format.Type, matrix.Rows, matrix.Columns, quants, scales, _device.Kernels.ProductOf(matrix.Format.Type));
    }

    /// <summary>Copies floats to the device, at once.</summary>
    /// <param name="source">Shape [n].</param>
    /// <param name="destination">At least n elements.</param>
    /// <param name="start">First element to write.</param>
    /// <exception cref="DeviceException">The device failed.</exception>
    public void Write(ReadOnlySpan<float> source, DeviceArray<float> destination, int start)
    {
        ArgumentNullException.ThrowIfNull(destination);
        using ComputeDevice.Scope scope = _device.Enter();
        Copy(source, destination.View.SubView(start, source.Length), "a transfer");
    }

    /// <summary>Copies floats from the device, when all that was launched before is done.</summary>
    /// <param name="source">At least n elements.</param>
    /// <param name="start">First element to read.</param>
    /// <param name="destination">Shape [n].</param>
    /// <exception cref="DeviceException">The device failed.</exception>
    public void Read(DeviceArray<float> source, int start, Span<float> destination)
    {
        ArgumentNullException.ThrowIfNull(source);
        if (destination.IsEmpty)
        {
            return;
        }

        using ComputeDevice.Scope scope = _device.Enter();
        try
        {
            source.View.SubView(start, destination.Length).CopyToCPU(_device.Stream, ref MemoryMarshal.GetReference(destination), destination.Length);
            _device.Stream.Synchronize();
        }
        catch (Exception e) when (DriverErrors.IsOne(e))
        {
            throw DriverErrors.Wrap(_device.Id, "results were read", e);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_disposed)
        {
            return;
        }

        _disposed = true;
        using ComputeDevice.Scope scope = _device.Enter();
        _staging.ForEach(staging => staging.Release());
        _slabs.ForEach(slab => slab.Dispose());
        _device.Discharge(ByteLength);
    }

    private DeviceArray<T> Allocate<T>(int length, string purpose)
        where T : unmanaged
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(length);
        long bytes = (long)length * Unsafe.SizeOf<T>();
        long rounded = (bytes + Alignment - 1) / Alignment * Alignment;
        if (rounded > SlabBytes / 2)
        {
            return new DeviceArray<T>(NewSlab(rounded, purpose).View.BaseView.SubView(0, bytes).Cast<T>());
        }

        if (_open is null || _used + rounded > _open.Length)
        {
            _open = NewSlab(SlabBytes, purpose);
            _used = 0;
        }

        ArrayView<byte> piece = _open.View.BaseView.SubView(_used, bytes);
        _used += rounded;
        return new DeviceArray<T>(piece.Cast<T>());
    }

    private MemoryBuffer1D<byte, Stride1D.Dense> NewSlab(long bytes, string purpose)
    {
        _device.Charge(bytes, purpose);
        try
        {
            using ComputeDevice.Scope scope = _device.Enter();
            MemoryBuffer1D<byte, Stride1D.Dense> slab = _device.Accelerator.Allocate1D<byte>(bytes);
            _slabs.Add(slab);
            ByteLength += bytes;
            return slab;
        }
        catch (Exception e) when (DriverErrors.IsOne(e))
        {
            _device.Discharge(bytes);
            throw DriverErrors.Wrap(_device.Id, $"{bytes} bytes for {purpose} were taken", e);
        }
    }

    private void Copy<T>(ReadOnlySpan<T> source, ArrayView<T> destination, string purpose)
        where T : unmanaged
    {
        if (source.IsEmpty)
        {
            return;
        }

        try
        {
            // The copy only reads, though its parameter is by reference.
            destination.CopyFromCPU(_device.Stream, ref MemoryMarshal.GetReference(source), source.Length);
            _device.Stream.Synchronize();
        }
        catch (Exception e) when (DriverErrors.IsOne(e))
        {
            throw DriverErrors.Wrap(_device.Id, $"{purpose} was copied to it", e);
        }
    }
}
