using System.Globalization;
using BenchmarkDotNet.Columns;
using BenchmarkDotNet.Reports;
using BenchmarkDotNet.Running;

namespace NativeSplit.Benchmarks;

/// <summary>A rate from the best run: work of a call over its least time, which other programs on the machine touch the least.</summary>
internal sealed class RateColumn(string name, string legend, Func<IKernelWork, double> work) : IColumn
{
    public static RateColumn Bytes { get; } = new("GB/s", "Bytes a call must move, over its least time", call => call.BytesPerCall);

    public static RateColumn Operations { get; } = new("GFLOP/s", "Floating-point operations of a call, over its least time", call => call.OperationsPerCall);

    public string Id => ColumnName;

    public string ColumnName => name;

    public bool AlwaysShow => true;

    public ColumnCategory Category => ColumnCategory.Custom;

    public int PriorityInCategory => 0;

    public bool IsNumeric => true;

    public UnitType UnitType => UnitType.Dimensionless;

    public string Legend => legend;

    public bool IsAvailable(Summary summary) => true;

    public bool IsDefault(Summary summary, BenchmarkCase benchmarkCase) => false;

    public string GetValue(Summary summary, BenchmarkCase benchmarkCase) =>
        summary[benchmarkCase]?.ResultStatistics is { } times && WorkOf(benchmarkCase) is { } call
            ? (work(call) / times.Min).ToString("0.0", CultureInfo.InvariantCulture)   // per nanosecond: giga per second
            : "-";

    public string GetValue(Summary summary, BenchmarkCase benchmarkCase, SummaryStyle style) => GetValue(summary, benchmarkCase);

    private static IKernelWork? WorkOf(BenchmarkCase benchmarkCase)
    {
        Type type = benchmarkCase.Descriptor.Type;
        object? instance = Activator.CreateInstance(type);
        foreach (var parameter in benchmarkCase.Parameters.Items)
        {
            type.GetProperty(parameter.Name)!.SetValue(instance, parameter.Value);
        }

        return instance as IKernelWork;
    }
}
