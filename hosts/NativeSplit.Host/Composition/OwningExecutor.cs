using NativeSplit.Engine;
using NativeSplit.Engine.Caching;
using NativeSplit.Engine.Execution;
using NativeSplit.Engine.Ilgpu;
using NativeSplit.Kernels.Threading;
using NativeSplit.Model;
using NativeSplit.Model.Files;
using NativeSplit.Model.Weights;

namespace NativeSplit.Host.Composition;

/// <summary>An executor together with what it borrows: weights, and a device, or a team of its own unless one is lent.</summary>
internal sealed class OwningExecutor : ILayerExecutor
{
    private readonly ModelWeights _weights;
    private readonly IDisposable? _lender;
    private readonly ILayerExecutor _executor;

    private OwningExecutor(ModelWeights weights, IDisposable? lender, ILayerExecutor executor)
    {
        _weights = weights;
        _lender = lender;
        _executor = executor;
    }

    public ModelShape Shape => _executor.Shape;

    public LayerRange Range => _executor.Range;

    public string Backend => _executor.Backend;

    public KvCacheUse KvCacheUse => _executor.KvCacheUse;

    /// <summary>Maps the layers and makes an executor that owns them.</summary>
    /// <param name="file">The model.</param>
    /// <param name="layers">The layers.</param>
    /// <param name="kvTokens">Positions of KV cache.</param>
    /// <param name="maxRows">Rows of a batch at most.</param>
    /// <param name="compute">Device, or kernels and threads.</param>
    /// <param name="team">Team to borrow; null: one of its own, for an executor that runs beside others.</param>
    public static ILayerExecutor Create(ModelFile file, LayerRange layers, int kvTokens, int maxRows, Compute compute, ThreadTeam? team)
    {
        ModelWeights? weights = null;
        IDisposable? lender = null;
        try
        {
            weights = file.Load(WeightSelection.LayersOnly(layers));
            if (compute.Device is { } device)
            {
                DeviceLease lease = DeviceLease.Take(device);
                lender = lease;
                var sizes = new IlgpuExecutorOptions { KvCapacityTokens = kvTokens, MaxBatchRows = maxRows };
                return new OwningExecutor(weights, lender, new IlgpuLayerExecutor(file.Shape, weights, lease.Device, sizes));
            }

            ThreadTeam? ownTeam = team is null ? compute.CreateTeam() : null;
            lender = ownTeam;
            var options = new CpuExecutorOptions { KvCapacityTokens = kvTokens, MaxBatchRows = maxRows, Activations = compute.Precision, KvType = compute.KvType };
            return new OwningExecutor(weights, lender, new CpuLayerExecutor(file.Shape, weights, compute.Kernels, team ?? ownTeam!, options));
        }
        catch
        {
            lender?.Dispose();
            weights?.Dispose();
            throw;
        }
    }

    public IKvPages? KvPages => _executor.KvPages;

    public bool TryReserve(SequenceId sequence, int tokens) => _executor.TryReserve(sequence, tokens);

    public void Free(SequenceId sequence) => _executor.Free(sequence);

    public void Forward(ReadOnlySpan<SequenceRows> batch, Span<float> hidden) => _executor.Forward(batch, hidden);

    public void Dispose()
    {
        _executor.Dispose();
        _lender?.Dispose();
        _weights.Dispose();
    }
}
