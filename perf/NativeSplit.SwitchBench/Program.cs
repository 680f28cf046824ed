using System.CommandLine;
using NativeSplit.SwitchBench;

Option<string?> model = new("--model") { Description = "Model. Default: the shipped one." };
Option<int> changes = new("--changes") { Description = "Changes of plan for each policy.", DefaultValueFactory = _ => 40 };
Option<int> streams = new("--streams") { Description = "Answers at a time.", DefaultValueFactory = _ => 4 };
Option<int> prompt = new("--prompt") { Description = "Tokens of a prompt.", DefaultValueFactory = _ => 64 };
Option<int> tokens = new("--tokens") { Description = "Tokens of an answer.", DefaultValueFactory = _ => 256 };
RootCommand root = new("Measures what a change of plan costs running answers: gateway and two workers as processes, by three policies.") { model, changes, streams, prompt, tokens };
root.SetAction(async (parsed, cancellationToken) =>
{
    var bench = new SwitchRun
    {
        Model = parsed.GetValue(model),
        Changes = parsed.GetValue(changes),
        Streams = parsed.GetValue(streams),
        PromptTokens = parsed.GetValue(prompt),
        AnswerTokens = parsed.GetValue(tokens),
    };
    await bench.RunAsync(Console.Out, cancellationToken);
    return 0;
});
return await root.Parse(args).InvokeAsync();
