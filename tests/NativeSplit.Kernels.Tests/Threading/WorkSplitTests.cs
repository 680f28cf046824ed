using NativeSplit.Kernels.Threading;

namespace NativeSplit.Kernels.Tests.Threading;

/// <summary>Cutting work into parts.</summary>
public sealed class WorkSplitTests
{
    [Fact]
    public void Of_CoversEverythingOnce_ForEveryCount()
    {
        foreach (int count in (int[])[0, 1, 2, 7, 8, 9, 100, 5632, int.MaxValue])
        {
            foreach (int granularity in (int[])[1, 3, 8, 64])
            {
                foreach (int parts in (int[])[1, 2, 3, 7, 64])
                {
                    int end = 0, greatest = 0, least = int.MaxValue;
                    for (int part = 0; part < parts; part++)
                    {
                        WorkRange range = WorkSplit.Of(count, granularity, part, parts);
                        Assert.Equal(end, range.Start);
                        Assert.True(range.Start % granularity == 0 || range.IsEmpty);
                        end = range.End;
                        greatest = Math.Max(greatest, range.Count);
                        least = Math.Min(least, range.Count);
                    }

                    Assert.Equal(count, end);
                    Assert.True(greatest - least < 2 * granularity, $"{count} in {parts} by {granularity}: {least} to {greatest}");
                }
            }
        }
    }

    [Theory]
    [InlineData(-1, 1, 0, 1)]
    [InlineData(1, 0, 0, 1)]
    [InlineData(1, 1, 0, 0)]
    [InlineData(1, 1, 1, 1)]
    [InlineData(1, 1, -1, 1)]
    public void Of_Refuses_AbsurdArguments(int count, int granularity, int part, int parts) =>
        Assert.Throws<ArgumentOutOfRangeException>(() => WorkSplit.Of(count, granularity, part, parts));
}
