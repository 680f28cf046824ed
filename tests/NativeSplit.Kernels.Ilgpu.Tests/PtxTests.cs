using System.Reflection;
using ILGPU;
using ILGPU.Backends.EntryPoints;
using ILGPU.Backends.PTX;
using ILGPU.Runtime;
using ILGPU.Runtime.Cuda;
using NativeSplit.Kernels.Ilgpu.Portable;

namespace NativeSplit.Kernels.Ilgpu.Tests;

/// <summary>Every kernel compiles to PTX, with no GPU in the machine, and keeps its variables in registers.</summary>
public sealed class PtxTests
{
    public static TheoryData<string> Kernels => [.. All().Select(NameOf)];

    [Theory]
    [MemberData(nameof(Kernels))]
    public void Kernel_CompilesToPtx_ForAmpereAndHopper(string name)
    {
        MethodInfo kernel = All().Single(candidate => NameOf(candidate) == name);
        using Context context = Context.Create(builder => builder.Optimize(OptimizationLevel.O2));
        foreach (CudaArchitecture architecture in (CudaArchitecture[])[CudaArchitecture.SM_80, CudaArchitecture.SM_90])
        {
            using var backend = new PTXBackend(context, new CudaCapabilityContext(architecture), architecture, CudaInstructionSet.ISA_80, null);
            var compiled = (PTXCompiledKernel)backend.Compile(EntryPointDescription.FromExplicitlyGroupedKernel(kernel), new KernelSpecialization(64, null));
            string ptx = compiled.PTXAssembly;

            // ILGPU 1.5 writes sm_80 for every newer card too; the driver compiles that for the card.
            Assert.Contains(".target sm_80", ptx, StringComparison.Ordinal);
            Assert.Contains(".visible .entry", ptx, StringComparison.Ordinal);

            // Local memory lies in the device's memory: an unpacked unit there would cost more than the weights.
            Assert.DoesNotContain(".local ", ptx, StringComparison.Ordinal);
            Assert.DoesNotContain(".f64", ptx, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Product_LoadsInputsSixteenBytesAtATime()
    {
        MethodInfo kernel = All().Single(candidate => NameOf(candidate) == "MultiplyKernel.Wide<Q4_0Format>");
        using Context context = Context.Create(builder => builder.Optimize(OptimizationLevel.O2));
        using var backend = new PTXBackend(context, new CudaCapabilityContext(CudaArchitecture.SM_90), CudaArchitecture.SM_90, CudaInstructionSet.ISA_80, null);
        var compiled = (PTXCompiledKernel)backend.Compile(EntryPointDescription.FromExplicitlyGroupedKernel(kernel), new KernelSpecialization(64, null));
        Assert.Contains(".v4.f32", compiled.PTXAssembly, StringComparison.Ordinal);
    }

    private static IEnumerable<MethodInfo> All()
    {
        Type[] types = typeof(MultiplyKernel).Assembly.GetTypes();
        Type[] formats = [.. types.Where(type => type.IsValueType && typeof(IDeviceFormat).IsAssignableFrom(type))];
        return types.Where(type => type.Namespace == typeof(MultiplyKernel).Namespace && type.Name.EndsWith("Kernel", StringComparison.Ordinal))
            .SelectMany(type => type.GetMethods(BindingFlags.Public | BindingFlags.Static))
            .SelectMany(method => method.IsGenericMethodDefinition ? formats.Select(format => method.MakeGenericMethod(format)) : [method]);
    }

    private static string NameOf(MethodInfo kernel) =>
        $"{kernel.DeclaringType!.Name}.{kernel.Name}{(kernel.IsGenericMethod ? $"<{kernel.GetGenericArguments()[0].Name}>" : string.Empty)}";
}
