namespace NativeSplit.Engine.Tests.Generation;

/// <summary>Holds up the steps of a path until it is opened, and tells when the first step has come.</summary>
internal sealed class StepGate
{
    private readonly TaskCompletionSource _reached = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _open = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Ends when a step waits at the gate, or has passed it.</summary>
    public Task Reached => _reached.Task;

    public void Open() => _open.TrySetResult();

    public async ValueTask WaitAsync()
    {
        _reached.TrySetResult();
        await _open.Task;
    }
}
