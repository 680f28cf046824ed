using System.CommandLine;
using System.Text.Json.Nodes;
using NativeSplit.Host.Composition;
using NativeSplit.Model;
using NativeSplit.Model.Files;
using NativeSplit.Model.Tokenization;

namespace NativeSplit.Host.Verbs;

/// <summary><c>tokenize</c>: the ids of a text.</summary>
internal static class TokenizeVerb
{
    public static Command Create()
    {
        Argument<string?> text = CommonArguments.Text("text", "The text. '-' reads it from standard input.", required: true);
        Option<string?> model = CommonArguments.Model();
        Option<bool> noSpecial = new("--no-special") { Description = "Don't add the tokens the model wants around a text, such as begin of text." };
        Option<bool> parseSpecial = new("--parse-special") { Description = "Recognise the written form of special tokens in the text." };
        Option<bool> json = CommonArguments.Json();
        Command command = new("tokenize", "Show the ids of a text.") { text, model, noSpecial, parseSpecial, json };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            using ModelFile file = ModelFile.Open(DefaultModel.Resolve(parsed.GetValue(model)));
            Tokenizer tokenizer = file.LoadTokenizer();
            string given = parsed.GetRequiredValue(text)!;
            string input = given == "-" ? await Console.In.ReadToEndAsync(cancellationToken) : given;
            IReadOnlyList<TokenId> ids = tokenizer.Encode(input, new TokenizeOptions(AddSpecial: !parsed.GetValue(noSpecial), ParseSpecial: parsed.GetValue(parseSpecial)));
            if (parsed.GetValue(json))
            {
                var document = new JsonObject
                {
                    ["ids"] = new JsonArray([.. ids.Select(id => (JsonNode)id.Value)]),
                    ["pieces"] = new JsonArray([.. ids.Select(id => (JsonNode?)tokenizer.PieceOf(id))]),
                };
                Console.Out.WriteLine(document.ToJsonString());
            }
            else
            {
                foreach (TokenId id in ids)
                {
                    Console.Out.WriteLine($"{id.Value,8}  {tokenizer.PieceOf(id)}");
                }
            }

            return ExitCode.Done;
        });
        return command;
    }
}
