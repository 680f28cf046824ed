namespace NativeSplit.EndToEnd.Tests;

public sealed class DemoTests
{
    [Fact]
    public async Task Demo_AnswersOverThreeProcesses_AndEqualsTheUnsplitRun()
    {
        Finished demo = await NativeSplitProcess.RunAsync("demo", "--once");

        Assert.True(demo.Code == 0, demo.Output + demo.Error);
        Assert.Contains(RoadsideAnswer.Answer, demo.Output.ReplaceLineEndings("\n"));
        Assert.Contains("The text equals the unsplit run's", demo.Output);
        Assert.Contains("worker-1", demo.Output);
        Assert.Contains("worker-2", demo.Output);
        Assert.Contains("shipped", demo.Error);
    }

    [Fact]
    public async Task Demo_SaysHow_WhenTheModelIsTooShallow()
    {
        string path = NativeSplit.Testing.TestData.PathOf("golden", "models", "llama256-q8_0.gguf");
        Finished demo = await NativeSplitProcess.RunAsync("demo", "--once", "--model", path);
        Assert.Equal(2, demo.Code);
        Assert.Contains("2 layer", demo.Error);
    }

    [Fact]
    public async Task DemoAdaptive_ShowsEveryEvent_AndLosesNothing()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "It slows a process down by signals.");
        await using NativeSplitProcess process = NativeSplitProcess.Start("demo", "--adaptive", "--threads", "1", "--kv-tokens", "2048");
        Finished demo = await process.EndAsync(TimeSpan.FromMinutes(4));

        Assert.True(demo.Code == 0, demo.Output + demo.Error);
        Assert.Contains("none was lost", demo.Output);
        Assert.Contains("Every answer equals the unsplit run's", demo.Output);
        Assert.Contains("is slowed down", demo.Output);
        Assert.Contains("ms long", demo.Output);
        Assert.Contains("worker-4 joins", demo.Output);

        // What a killed worker leads to is sure; what the others lead to depends on what is measured.
        Assert.Contains("survive: ", demo.Output);
    }
}
