using ILGPU;
using ILGPU.Runtime;
using NativeSplit.Kernels.Formats;
using NativeSplit.Kernels.Ilgpu.Portable;
using Launcher = System.Action<ILGPU.KernelConfig, ILGPU.ArrayView<int>, ILGPU.ArrayView<int>, ILGPU.ArrayView<float>, ILGPU.ArrayView<float>, ILGPU.ArrayView<float>, NativeSplit.Kernels.Ilgpu.Portable.ProductShape>;

namespace NativeSplit.Kernels.Ilgpu;

/// <summary>The compiled products of one weight type.</summary>
internal sealed class ProductKernel
{
    private readonly Launcher _narrow;
    private readonly Launcher _wide;

    private ProductKernel(Launcher narrow, Launcher wide)
    {
        _narrow = narrow;
        _wide = wide;
    }

    /// <summary>Compiles the products of a type.</summary>
    public static ProductKernel Load(Accelerator accelerator, WeightType type) => type switch
    {
        WeightType.F32 => Load<F32Format>(accelerator),
        WeightType.F16 => Load<F16Format>(accelerator),
        WeightType.BF16 => Load<BF16Format>(accelerator),
        WeightType.Q4_0 => Load<Q4_0Format>(accelerator),
        WeightType.Q8_0 => Load<Q8_0Format>(accelerator),
        WeightType.Q4_K => Load<Q4_KFormat>(accelerator),
        WeightType.Q6_K => Load<Q6_KFormat>(accelerator),
        _ => throw new ArgumentOutOfRangeException(nameof(type), type, "No device kernel for this type."),
    };

    /// <summary>Launches the narrow product for one input, the wide one for more.</summary>
    public void Launch(DeviceMatrix weights, ArrayView<float> x, int inputs, DeviceArray<float>? bias, ArrayView<float> y, Epilogue epilogue)
    {
        int groups = ((weights.Rows - 1) / KernelLayout.RowsPerGroup) + 1;
        int inputGroups = inputs == 1 ? 1 : ((inputs - 1) / KernelLayout.WideInputs) + 1;
        var config = new KernelConfig(new Index3D(groups, inputGroups, 1), new Index3D(KernelLayout.GroupSize, 1, 1));
        Launcher launcher = inputs == 1 ? _narrow : _wide;
        launcher(config, weights.Quants.View, weights.Scales.View, x, bias?.View ?? x, y, weights.Shape(inputs, epilogue, bias is not null));
    }

    private static ProductKernel Load<TFormat>(Accelerator accelerator)
        where TFormat : struct, IDeviceFormat => new(
            accelerator.LoadStreamKernel<ArrayView<int>, ArrayView<int>, ArrayView<float>, ArrayView<float>, ArrayView<float>, ProductShape>(MultiplyKernel.Narrow<TFormat>),
            accelerator.LoadStreamKernel<ArrayView<int>, ArrayView<int>, ArrayView<float>, ArrayView<float>, ArrayView<float>, ProductShape>(MultiplyKernel.Wide<TFormat>));
}
