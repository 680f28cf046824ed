using System.Buffers;
using System.Text;
using NativeSplit.Engine.Generation;
using NativeSplit.Gateway.Answers;

namespace NativeSplit.Gateway.Tests;

public sealed class EventStreamTests
{
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Event_AllocatesNothing_PerToken(bool chat)
    {
        AnswerHead head = new(chat ? "chatcmpl-" : "cmpl-", "toy", "fp_test", DateTimeOffset.UnixEpoch);
        IAnswerShape shape = chat ? new ChatAnswer(head, includeUsage: true) : new CompletionAnswer(head, includeUsage: true);
        FixedBuffer output = new(64 * 1024);
        using EventStream events = new(output);
        Write();
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 1000; i++)
        {
            Write();
        }

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
        Assert.Contains(" größer 漢字", Encoding.UTF8.GetString(output.Written), StringComparison.Ordinal);

        void Write()
        {
            output.Clear();
            shape.WriteText(events.Begin(), " größer 漢字");
            events.End();
            shape.WriteFinish(events.Begin(), FinishReason.Stop);
            events.End();
            shape.WriteUsage(events.Begin(), new GenerationUsage(1, 2));
            events.End();
        }
    }

    private sealed class FixedBuffer(int size) : IBufferWriter<byte>
    {
        private readonly byte[] _bytes = new byte[size];
        private int _written;

        public ReadOnlySpan<byte> Written => _bytes.AsSpan(0, _written);

        public void Clear() => _written = 0;

        public void Advance(int count) => _written += count;

        public Memory<byte> GetMemory(int sizeHint = 0) => _bytes.AsMemory(_written);

        public Span<byte> GetSpan(int sizeHint = 0) => _bytes.AsSpan(_written);
    }
}
