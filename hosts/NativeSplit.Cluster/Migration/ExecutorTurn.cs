using NativeSplit.Engine.Execution;

namespace NativeSplit.Cluster.Migration;

/// <summary>Runs something with an executor when its one caller has a moment; ends when it has run.</summary>
/// <param name="work">What to run.</param>
public delegate Task ExecutorTurn(Action<ILayerExecutor> work);
