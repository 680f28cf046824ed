using System.Runtime.InteropServices;
using System.Text.Json.Nodes;
using NativeSplit.Testing;

namespace NativeSplit.EndToEnd.Tests;

public sealed class VerbTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("nativesplit-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task Run_StreamsTheAnswer_AndTheFiguresGoToStandardError()
    {
        Finished run = await NativeSplitProcess.RunAsync("run", "--model", NativeSplitProcess.Shipped, RoadsideAnswer.Report);
        Assert.Equal(0, run.Code);
        Assert.Equal(RoadsideAnswer.Answer, run.Output.ReplaceLineEndings("\n").TrimEnd('\n'));
        Assert.Contains("TTFT", run.Error);
        Assert.Contains("tokens/s", run.Error);
    }

    [Fact]
    public async Task Run_GivesTheSameText_WhenTheSeedIsTheSame()
    {
        string[] arguments = ["run", "--model", NativeSplitProcess.Shipped, "--raw", "Report: Around", "-t", "1.2", "--seed", "7", "-n", "40"];
        Finished first = await NativeSplitProcess.RunAsync(arguments);
        Finished second = await NativeSplitProcess.RunAsync(arguments);
        Assert.Equal(0, first.Code);
        Assert.Equal(first.Output, second.Output);
        Assert.NotEmpty(first.Output.Trim());
    }

    [Theory]
    [InlineData("scalar")]
    [InlineData("avx2")]
    public async Task Run_GivesTheSameText_WithEachKernelSet(string kernels)
    {
        Finished run = await NativeSplitProcess.RunAsync("run", "--model", NativeSplitProcess.Shipped, "--kernels", kernels, RoadsideAnswer.Report);
        Assert.SkipWhen(run.Error.Contains("doesn't", StringComparison.Ordinal) && run.Code == 2, $"skipped: this processor has no {kernels}");
        Assert.Equal(RoadsideAnswer.Answer, run.Output.ReplaceLineEndings("\n").TrimEnd('\n'));
    }

    [Theory]
    [InlineData("8", "6")]
    [InlineData("40", "38")]
    public async Task Run_EndsWithTheContext_ThoughTheCacheHasWholePages(string context, string generated)
    {
        Finished run = await NativeSplitProcess.RunAsync("run", "--model", NativeSplitProcess.Shipped, "--context", context, "--raw", "--ignore-eos", "A");
        Assert.Equal(0, run.Code);

        // The begin of text and the prompt are the rest of the context.
        Assert.Contains($"2 prompt tokens, {generated} generated", run.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("f16")]
    [InlineData("Q8_0")]
    public async Task Run_GivesTheSameText_WithEachTypeOfKvCache(string type)
    {
        Finished run = await NativeSplitProcess.RunAsync("run", "--model", NativeSplitProcess.Shipped, "--kv-type", type, RoadsideAnswer.Report);
        Assert.Equal(RoadsideAnswer.Answer, run.Output.ReplaceLineEndings("\n").TrimEnd('\n'));
        Finished refused = await NativeSplitProcess.RunAsync("run", "--model", NativeSplitProcess.Shipped, "--kv-type", "f8", RoadsideAnswer.Report);
        Assert.Equal(2, refused.Code);
        Assert.Contains("f32, f16, q8_0", refused.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("token", "create", "worker-1")]
    [InlineData("token", "list")]
    [InlineData("node", "list")]
    [InlineData("node", "revoke", "worker-1")]
    public async Task TokenAndNode_SayWhichFolderToGive_WhenItHoldsNoAuthority(params string[] verb)
    {
        Finished run = await NativeSplitProcess.RunAsync([.. verb, "--data", _folder]);
        Assert.NotEqual(0, run.Code);
        Assert.Contains("serve --data", run.Error);
        Assert.Empty(run.Output);
    }

    [Fact]
    public async Task Logits_AreBitEqual_WhateverTheCut()
    {
        string whole = Path.Combine(_folder, "whole.f32");
        string cut = Path.Combine(_folder, "cut.f32");
        const string Tokens = "0,327,61,682,534,61,770,260";
        Assert.Equal(0, (await NativeSplitProcess.RunAsync("logits", "--model", NativeSplitProcess.Shipped, "--tokens", Tokens, "--out", whole)).Code);
        Finished second = await NativeSplitProcess.RunAsync("logits", "--model", NativeSplitProcess.Shipped, "--tokens", Tokens, "--cut", "2,5", "--out", cut, "--json");
        Assert.Equal(0, second.Code);

        Assert.Equal(File.ReadAllBytes(whole), File.ReadAllBytes(cut));
        Assert.Equal(8 * 1024 * 4, new FileInfo(whole).Length);
        Assert.Equal("[[0,2],[2,5],[5,8]]", JsonNode.Parse(second.Output)!["ranges"]!.ToJsonString());
    }

    [Theory]
    [InlineData("qwen3-f32", "llamacpp", "float32", 1e-4f)]
    [InlineData("llama256-q4_0", "dequant", "float32", 1e-4f)]
    [InlineData("llama256-q4_0", "llamacpp", "int8", 0.05f)]
    public async Task Logits_AgreeWithTheReference(string model, string reference, string precision, float tolerance)
    {
        string file = Path.Combine(_folder, "logits.f32");
        JsonNode manifest = JsonNode.Parse(File.ReadAllText(TestData.PathOf("golden", "manifest.json")))!;
        string tokens = string.Join(',', manifest["sequences"]!["s17"]!.AsArray().Select(t => t!.GetValue<int>()));
        Finished logits = await NativeSplitProcess.RunAsync("logits", "--model", TestData.PathOf("golden", "models", $"{model}.gguf"), "--tokens", tokens, "--cut", "1", "--precision", precision, "--out", file);
        Assert.True(logits.Code == 0, logits.Error);

        float[] ours = MemoryMarshal.Cast<byte, float>(File.ReadAllBytes(file)).ToArray();
        float[] theirs = MemoryMarshal.Cast<byte, float>(File.ReadAllBytes(TestData.PathOf("golden", "logits", $"{model}.{reference}.s17.f32"))).ToArray();
        Assert.Equal(theirs.Length, ours.Length);
        float largest = theirs.Max(MathF.Abs);
        Assert.True(ours.Zip(theirs, (a, b) => MathF.Abs(a - b)).Max() <= tolerance * largest);
    }

    [Fact]
    public async Task Tokenize_PrintsTheReferenceIds()
    {
        RoadsideGolden golden = RoadsideAnswer.Golden;
        Finished tokenize = await NativeSplitProcess.RunAsync("tokenize", "--model", NativeSplitProcess.Shipped, "--json", golden.Prompt);
        Assert.Equal(golden.PromptIds, JsonNode.Parse(tokenize.Output)!["ids"]!.AsArray().Select(id => id!.GetValue<int>()));

        Finished without = await NativeSplitProcess.RunAsync("tokenize", "--model", NativeSplitProcess.Shipped, "--json", "--no-special", golden.Prompt);
        Assert.Equal(golden.PromptIds.Length - 1, JsonNode.Parse(without.Output)!["ids"]!.AsArray().Count);
    }

    [Fact]
    public async Task Inspect_PrintsShapesAndBytes()
    {
        Finished inspect = await NativeSplitProcess.RunAsync("inspect", NativeSplitProcess.Shipped, "--json");
        JsonNode document = JsonNode.Parse(inspect.Output)!;
        Assert.Equal("llama", document["architecture"]!.GetValue<string>());
        Assert.Equal(8, document["layers"]!.GetValue<int>());
        Assert.Equal(8, document["bytes_per_layer"]!.AsArray().Count);
        Assert.Equal(8 * 2 * 4 * 16 * 4, document["kv_bytes_per_token"]!.GetValue<int>());

        Finished text = await NativeSplitProcess.RunAsync("inspect", TestData.PathOf("roadside", "hf"));
        Assert.Equal(0, text.Code);
        Assert.Contains("F32", text.Output);
    }

    [Fact]
    public async Task EveryVerb_HasHelp()
    {
        Finished root = await NativeSplitProcess.RunAsync("--help");
        Assert.Equal(0, root.Code);
        foreach (string verb in (string[])["run", "demo", "serve", "worker", "logits", "tokenize", "inspect", "bench", "devices"])
        {
            Assert.Contains(verb, root.Output);
            Assert.Equal(0, (await NativeSplitProcess.RunAsync(verb, "--help")).Code);
        }
    }
}
