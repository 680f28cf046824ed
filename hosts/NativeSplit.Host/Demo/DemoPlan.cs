using NativeSplit.Model;
using NativeSplit.Placement;

namespace NativeSplit.Host.Demo;

/// <summary>The demo's split: trusted ends at the gateway, the middle over two workers.</summary>
internal static class DemoPlan
{
    public static readonly NodeId Gateway = new("gateway");
    public static readonly NodeId FirstWorker = new("worker-1");
    public static readonly NodeId SecondWorker = new("worker-2");

    /// <param name="layerCount">Layers of the model; at least 4.</param>
    public static Plan For(int layerCount)
    {
        if (layerCount < 4)
        {
            throw new UsageException($"The demo cuts a model in four; this one has {layerCount} layer(s). Name one with 4 or more.");
        }

        int end = Math.Max(1, layerCount / 8);
        int middle = layerCount / 2;
        return new Plan(
            new PlanEpoch(1),
            [
                new PlanSegment(new LayerRange(0, end), Gateway),
                new PlanSegment(new LayerRange(end, middle), FirstWorker),
                new PlanSegment(new LayerRange(middle, layerCount - end), SecondWorker),
                new PlanSegment(new LayerRange(layerCount - end, layerCount), Gateway),
            ]);
    }
}
