using Microsoft.Extensions.Time.Testing;
using NativeSplit.Cluster.Activations;
using NativeSplit.Cluster.Routes;
using NativeSplit.Engine;
using NativeSplit.Engine.Execution;
using NativeSplit.Transport.Frames;

namespace NativeSplit.Cluster.Tests.Routes;

public sealed class StepWaiterTests : IDisposable
{
    private const int Hidden = 4;
    private static readonly SequenceRows[] Batch = [new(new SequenceId(3), 5, 2)];
    private readonly FakeTimeProvider _time = new();
    private readonly StepWaiter _waiter;
    private readonly float[] _hidden = new float[2 * Hidden];

    public StepWaiterTests() => _waiter = new StepWaiter(4, Hidden, RowEncoding.F32, TimeSpan.FromSeconds(30), _time);

    public void Dispose() => _waiter.Dispose();

    [Fact]
    public async Task Accept_EndsTheWait_WhenTheRowsAreBack()
    {
        Task wait = Begin();
        _waiter.Accept(new FrameHeader(1, 7, 2, 0, 1, 2), Payload(Batch, value: 9f));
        await wait;
        Assert.All(_hidden, value => Assert.Equal(9f, value));
    }

    [Theory]
    [InlineData(2, 7)]
    [InlineData(1, 6)]
    public void Accept_DropsRows_ThatNobodyWaitsFor(ulong epoch, ulong batch)
    {
        Task wait = Begin();
        _waiter.Accept(new FrameHeader(epoch, batch, 2, 0, 1, 2), Payload(Batch, value: 9f));
        Assert.False(wait.IsCompleted);
        Assert.All(_hidden, value => Assert.Equal(0f, value));
    }

    [Fact]
    public void Accept_ThrowsProtocol_AndTheWaitGoesOn_WhenTheRowsPassOverStages()
    {
        Task wait = Begin();
        ClusterException e = Assert.Throws<ClusterException>(() => _waiter.Accept(new FrameHeader(1, 7, 3, 0, 1, 2), Payload(Batch, value: 9f)));
        Assert.Equal(ClusterFault.Protocol, e.Fault);
        Assert.False(wait.IsCompleted);
        Assert.All(_hidden, value => Assert.Equal(0f, value));
    }

    [Fact]
    public void Accept_ThrowsProtocol_WhenOtherRowsComeBack()
    {
        Begin();
        byte[] payload = Payload([new SequenceRows(new SequenceId(4), 5, 2)], value: 9f);
        Assert.Equal(ClusterFault.Protocol, Assert.Throws<ClusterException>(() => _waiter.Accept(new FrameHeader(1, 7, 2, 0, 1, 2), payload)).Fault);
    }

    [Fact]
    public async Task LateRows_LeaveTheCallersBufferAlone()
    {
        Task wait = Begin();
        _time.Advance(TimeSpan.FromSeconds(30));
        Assert.Equal(EngineFault.PathBroken, (await Assert.ThrowsAsync<EngineException>(() => wait)).Fault);
        _waiter.Accept(new FrameHeader(1, 7, 2, 0, 1, 2), Payload(Batch, value: 9f));
        Assert.All(_hidden, value => Assert.Equal(0f, value));
    }

    [Fact]
    public async Task Shut_FailsThisWaitAndTheNext_UntilOpen()
    {
        Task wait = Begin();
        _waiter.Shut(new EngineException(EngineFault.PathBroken, "lost"));
        await Assert.ThrowsAsync<EngineException>(() => wait);
        await Assert.ThrowsAsync<EngineException>(Begin);

        _waiter.Open();
        Task after = Begin();
        _waiter.Accept(new FrameHeader(1, 7, 2, 0, 1, 2), Payload(Batch, value: 1f));
        await after;
    }

    private Task Begin() => _waiter.Begin(epoch: 1, batchNumber: 7, returnStage: 2, Batch, _hidden).AsTask();

    private static byte[] Payload(SequenceRows[] batch, float value)
    {
        float[] rows = new float[2 * Hidden];
        Array.Fill(rows, value);
        byte[] payload = new byte[ActivationPayload.LengthOf(1, 2, Hidden, RowEncoding.F32)];
        ActivationPayload.Write(batch, rows, RowEncoding.F32, payload);
        return payload;
    }
}
