using System.ClientModel;
using Microsoft.Extensions.AI;
using NativeSplit.Testing;
using OpenAI;
using OpenAI.Chat;

#pragma warning disable xUnit1051 // The README's code shows no cancellation.

namespace NativeSplit.EndToEnd.Tests;

/// <summary>The README's code compiles and works, against a real cluster.</summary>
public sealed class ReadmeTests
{
    [Fact]
    public async Task Readme_CodeIsTheCodeBelow()
    {
        string readme = await File.ReadAllTextAsync(Path.Combine(TestData.RepositoryRoot, "README.md"), TestContext.Current.CancellationToken);
        string source = await File.ReadAllTextAsync(Path.Combine(TestData.RepositoryRoot, "tests", "NativeSplit.EndToEnd.Tests", "ReadmeTests.cs"), TestContext.Current.CancellationToken);
        string code = readme.Split("```csharp\n")[1].Split("```")[0];
        string flatSource = string.Concat(source.Split('\n').Select(line => line.Trim() + "\n"));
        string[] statements = [.. code.Split('\n').Where(line => line.Length > 0 && !line.StartsWith("using ", StringComparison.Ordinal))];
        Assert.NotEmpty(statements);
        Assert.Contains(string.Join('\n', statements) + "\n", flatSource);
    }

    [Fact]
    public async Task Readme_CodeAnswers()
    {
        await using ServingCluster cluster = await ServingCluster.StartAsync();
        string url = cluster.Url.ToString();
        using var console = new StringWriter();
        TextWriter before = Console.Out;
        Console.SetOut(console);
        try
        {
            var client = new ChatClient("roadside-1.6m", new ApiKeyCredential("none"), new OpenAIClientOptions { Endpoint = new Uri(url) });
            string report = "Roadworks on route B27 westbound, kilometre 9, at 16:30. The left lane is closed. The weather is dry and sunny.";
            ChatCompletion answer = await client.CompleteChatAsync([new UserChatMessage(report)], new ChatCompletionOptions { Temperature = 0 });
            Console.WriteLine(answer.Content[0].Text);
        }
        finally
        {
            Console.SetOut(before);
        }

        Assert.Contains("roadworks, B27 west, km 9, 16:30; left lane blocked", console.ToString());
    }

    [Fact]
    public async Task PublishedClients_StreamTheSameText()
    {
        await using ServingCluster cluster = await ServingCluster.StartAsync();
        var client = new ChatClient("roadside-1.6m", new ApiKeyCredential("none"), new OpenAIClientOptions { Endpoint = cluster.Url });
        using IChatClient abstraction = client.AsIChatClient();

        string streamed = string.Empty;
        await foreach (StreamingChatCompletionUpdate update in client.CompleteChatStreamingAsync([new UserChatMessage(RoadsideAnswer.Report)], new ChatCompletionOptions { Temperature = 0 }, TestContext.Current.CancellationToken))
        {
            streamed += string.Concat(update.ContentUpdate.Select(part => part.Text));
        }

        ChatResponse whole = await abstraction.GetResponseAsync(RoadsideAnswer.Report, new ChatOptions { Temperature = 0 }, TestContext.Current.CancellationToken);
        string abstracted = string.Empty;
        await foreach (ChatResponseUpdate update in abstraction.GetStreamingResponseAsync(RoadsideAnswer.Report, new ChatOptions { Temperature = 0 }, TestContext.Current.CancellationToken))
        {
            abstracted += update.Text;
        }

        Assert.Equal((RoadsideAnswer.Answer, RoadsideAnswer.Answer, RoadsideAnswer.Answer), (streamed, whole.Text, abstracted));
    }
}
