using NativeSplit.Engine.Caching;
using NativeSplit.Model;

namespace NativeSplit.Engine.Ilgpu;

/// <summary>Sizes of the device's KV pages; the layout of a page is that of <see cref="PagedKvCache.BorrowPage"/>.</summary>
internal static class DevicePages
{
    /// <summary>Floats of one page of one layer: [2 (keys, values), kvHeads, positions, headSize].</summary>
    public static int FloatsOf(ModelShape shape) => checked(2 * shape.KeyValueSize * PagedKvCache.PagePositions);
}
