using ILGPU;
using ILGPU.Runtime;
using NativeSplit.Kernels.Formats;
using NativeSplit.Kernels.Ilgpu.Devices;
using NativeSplit.Kernels.Ilgpu.Portable;

namespace NativeSplit.Kernels.Ilgpu;

/// <summary>The operations of a transformer layer on a device. Each is put in the device's queue and returns at once.</summary>
/// <remarks>
/// Kernels are compiled when they are first asked for, by <see cref="DeviceMemory.Upload(WeightMatrix, string)"/> or by
/// <see cref="Prepare"/>; a launch compiles nothing. Call inside <see cref="ComputeDevice.Enter"/>. As in the processor's kernel
/// sets, a row of a result depends on its own row of input alone, bit for bit.
/// </remarks>
public sealed class DeviceKernels
{
    private readonly ComputeDevice _device;
    private readonly Dictionary<WeightType, ProductKernel> _products = [];
    private Action<KernelConfig, ArrayView<float>, ArrayView<float>, ArrayView<float>, int, float>? _norm;
    private Action<KernelConfig, ArrayView<float>, ArrayView<float>, ArrayView<float>, ArrayView<float>, ArrayView<float>, ArrayView<float>, ArrayView<float>, ArrayView<int>, ArrayView<float>, HeadsShape>? _heads;
    private Action<KernelConfig, ArrayView<float>, ArrayView<int>, ArrayView<float>, ArrayView<float>, HeadsShape>? _attend;

    internal DeviceKernels(ComputeDevice device) => _device = device;

    /// <summary>Types that weights may have.</summary>
    public static IReadOnlyList<WeightType> SupportedTypes => Formats.DeviceLayout.Supported;

    /// <summary>Elements of a head at most.</summary>
    public static int MaxHeadSize => KernelLayout.MaxHeadSize;

    /// <summary>Compiles everything but the products, which come with their matrices.</summary>
    /// <exception cref="DeviceException">The driver refused a kernel.</exception>
    public void Prepare()
    {
        using ComputeDevice.Scope scope = _device.Enter();
        _norm ??= Compile(() => _device.Accelerator.LoadStreamKernel<ArrayView<float>, ArrayView<float>, ArrayView<float>, int, float>(NormKernel.Run));
        _heads ??= Compile(() => _device.Accelerator.LoadStreamKernel<ArrayView<float>, ArrayView<float>, ArrayView<float>, ArrayView<float>, ArrayView<float>, ArrayView<float>, ArrayView<float>, ArrayView<int>, ArrayView<float>, HeadsShape>(HeadsKernel.Run));
        _attend ??= Compile(() => _device.Accelerator.LoadStreamKernel<ArrayView<float>, ArrayView<int>, ArrayView<float>, ArrayView<float>, HeadsShape>(AttendKernel.Run));
    }

    /// <summary>Root-mean-square norm of rows.</summary>
    /// <param name="x">Shape [rows, n].</param>
    /// <param name="gain">Shape [n].</param>
    /// <param name="epsilon">Added to the mean square.</param>
    /// <param name="rows">Rows.</param>
    /// <param name="y">Shape [rows, n]; apart from <paramref name="x"/>.</param>
    public void RmsNorm(DeviceArray<float> x, DeviceArray<float> gain, float epsilon, int rows, DeviceArray<float> y)
    {
        ArgumentNullException.ThrowIfNull(x);
        ArgumentNullException.ThrowIfNull(gain);
        ArgumentNullException.ThrowIfNull(y);
        RequireRoom(x.Length, (long)rows * gain.Length, nameof(x));
        RequireRoom(y.Length, (long)rows * gain.Length, nameof(y));
        try
        {
            Prepared(_norm)(new KernelConfig(rows, KernelLayout.GroupSize), x.View, gain.View, y.View, gain.Length, epsilon);
        }
        catch (Exception e) when (DriverErrors.IsOne(e))
        {
            throw DriverErrors.Wrap(_device.Id, "a norm was launched", e);
        }
    }

    /// <summary>Multiplies a matrix with rows of input: <c>y[t, r] = Σ_c W[r, c]·x[t, c] + bias[r]</c>, then the epilogue.</summary>
    /// <param name="weights">Matrix [rows, columns].</param>
    /// <param name="x">Shape [inputs, columns].</param>
    /// <param name="inputs">Rows of <paramref name="x"/>.</param>
    /// <param name="bias">Shape [rows], or null.</param>
    /// <param name="y">Shape [inputs, rows]; apart from <paramref name="x"/>.</param>
    /// <param name="epilogue">What happens to a sum.</param>
    public void Multiply(DeviceMatrix weights, DeviceArray<float> x, int inputs, DeviceArray<float>? bias, DeviceArray<float> y, Epilogue epilogue = Epilogue.Store)
    {
        ArgumentNullException.ThrowIfNull(weights);
        ArgumentNullException.ThrowIfNull(x);
        ArgumentNullException.ThrowIfNull(y);
        RequireRoom(x.Length, (long)inputs * weights.Columns, nameof(x));
        RequireRoom(y.Length, (long)inputs * weights.Rows, nameof(y));
        RequireRoom(bias?.Length ?? weights.Rows, weights.Rows, nameof(bias));
        try
        {
            weights.Kernel.Launch(weights, x.View, inputs, bias, y.View, epilogue);
        }
        catch (Exception e) when (DriverErrors.IsOne(e))
        {
            throw DriverErrors.Wrap(_device.Id, "a product was launched", e);
        }
    }

    /// <summary>Makes queries and keys ready (norm per head where there is a gain, rotary embedding) and appends keys and values to a layer's cache.</summary>
    /// <param name="layer">Cache, norms and rotary tables.</param>
    /// <param name="query">Shape [rows, heads, headSize]; in place.</param>
    /// <param name="key">Shape [rows, kvHeads, headSize].</param>
    /// <param name="value">Shape [rows, kvHeads, headSize].</param>
    /// <param name="table">Holds the batch table: positions [rows], where in the table each row's list of pages starts [rows], the lists. Trusted.</param>
    /// <param name="tableStart">Word where the table starts.</param>
    /// <param name="rows">Rows.</param>
    public void AppendHeads(AttentionLayer layer, DeviceArray<float> query, DeviceArray<float> key, DeviceArray<float> value, DeviceArray<int> table, int tableStart, int rows)
    {
        ArgumentNullException.ThrowIfNull(layer);
        ArgumentNullException.ThrowIfNull(query);
        ArgumentNullException.ThrowIfNull(key);
        ArgumentNullException.ThrowIfNull(value);
        ArgumentNullException.ThrowIfNull(table);
        RequireRoom(query.Length, (long)rows * layer.HeadCount * layer.HeadSize, nameof(query));
        RequireRoom(key.Length, (long)rows * layer.KeyValueHeadCount * layer.HeadSize, nameof(key));
        RequireRoom(value.Length, (long)rows * layer.KeyValueHeadCount * layer.HeadSize, nameof(value));
        try
        {
            Prepared(_heads)(
                new KernelConfig(new Index3D(layer.HeadCount + layer.KeyValueHeadCount, rows, 1), new Index3D(KernelLayout.GroupSize, 1, 1)),
                query.View,
                key.View,
                value.View,
                (layer.QueryNorm ?? layer.Cosines).View,
                (layer.KeyNorm ?? layer.Cosines).View,
                layer.Cosines.View,
                layer.Sines.View,
                table.View,
                layer.Cache.View,
                layer.Shape(tableStart, rows));
        }
        catch (Exception e) when (DriverErrors.IsOne(e))
        {
            throw DriverErrors.Wrap(_device.Id, "keys and values were appended", e);
        }
    }

    /// <summary>Grouped-query attention of every row over its sequence's cached positions up to its own.</summary>
    /// <param name="layer">Cache and sizes.</param>
    /// <param name="query">Shape [rows, heads, headSize].</param>
    /// <param name="table">As <see cref="AppendHeads"/> takes it.</param>
    /// <param name="tableStart">Word where the table starts.</param>
    /// <param name="rows">Rows.</param>
    /// <param name="output">Shape [rows, heads, headSize]; apart from <paramref name="query"/>.</param>
    public void Attend(AttentionLayer layer, DeviceArray<float> query, DeviceArray<int> table, int tableStart, int rows, DeviceArray<float> output)
    {
        ArgumentNullException.ThrowIfNull(layer);
        ArgumentNullException.ThrowIfNull(query);
        ArgumentNullException.ThrowIfNull(table);
        ArgumentNullException.ThrowIfNull(output);
        RequireRoom(query.Length, (long)rows * layer.HeadCount * layer.HeadSize, nameof(query));
        RequireRoom(output.Length, (long)rows * layer.HeadCount * layer.HeadSize, nameof(output));
        try
        {
            Prepared(_attend)(
                new KernelConfig(new Index3D(layer.HeadCount, rows, 1), new Index3D(KernelLayout.GroupSize, 1, 1)),
                query.View,
                table.View,
                layer.Cache.View,
                output.View,
                layer.Shape(tableStart, rows));
        }
        catch (Exception e) when (DriverErrors.IsOne(e))
        {
            throw DriverErrors.Wrap(_device.Id, "attention was launched", e);
        }
    }

    /// <summary>Copies an array on the device.</summary>
    /// <param name="source">Shape [n].</param>
    /// <param name="destination">Shape [n]; apart from <paramref name="source"/>.</param>
    public void Copy(DeviceArray<float> source, DeviceArray<float> destination)
    {
        ArgumentNullException.ThrowIfNull(source);
        ArgumentNullException.ThrowIfNull(destination);
        RequireRoom(destination.Length, source.Length, nameof(destination));
        try
        {
            source.View.CopyTo(_device.Stream, destination.View.SubView(0, source.Length));
        }
        catch (Exception e) when (DriverErrors.IsOne(e))
        {
            throw DriverErrors.Wrap(_device.Id, "a copy was launched", e);
        }
    }

    /// <summary>The product of a type, compiled.</summary>
    internal ProductKernel ProductOf(WeightType type)
    {
        if (!_products.TryGetValue(type, out ProductKernel? product))
        {
            product = Compile(() => ProductKernel.Load(_device.Accelerator, type));
            _products.Add(type, product);
        }

        return product;
    }

    private T Compile<T>(Func<T> load)
    {
        try
        {
            return load();
        }
        catch (Exception e) when (DriverErrors.IsOne(e))
        {
            throw DriverErrors.Wrap(_device.Id, "a kernel was compiled", e);
        }
    }

    private static T Prepared<T>(T? kernel)
        where T : class => kernel ?? throw new InvalidOperationException($"Call {nameof(DeviceKernels)}.{nameof(Prepare)} first.");

    private static void RequireRoom(int actual, long expected, string name)
    {
        if (actual < expected)
        {
            throw new ArgumentException($"{name} has {actual} elements, at least {expected} are needed.", name);
        }
    }
}
