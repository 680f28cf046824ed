using System.CommandLine;
using NativeSplit.ModelMaker;

Option<string> shape = new("--shape")
{
    Description = $"Shape of the model: {string.Join(", ", MadeShape.All.Select(made => made.Name))}.",
    HelpName = "NAME",
    DefaultValueFactory = _ => "tinyllama-1.1b",
};
Option<string> type = new("--type")
{
    Description = $"Types of the weights: {string.Join(", ", TypeMixture.All.Select(mixture => mixture.Name))}.",
    HelpName = "TYPE",
    DefaultValueFactory = _ => "Q4_0",
};
Option<int?> layers = new("--layers") { Description = "Layers, when they should be fewer or more than the shape's.", HelpName = "N" };
Option<ulong> seed = new("--seed") { Description = "Equal seeds give equal files.", HelpName = "N", DefaultValueFactory = _ => 1 };
Option<string> output = new("--out", "-o") { Description = "File to write.", HelpName = "FILE", Required = true };
shape.AcceptOnlyFromAmong([.. MadeShape.All.Select(made => made.Name)]);
type.AcceptOnlyFromAmong([.. TypeMixture.All.Select(mixture => mixture.Name)]);
layers.Validators.Add(result =>
{
    if (result.GetValueOrDefault<int?>() is < 1 or > 4096)
    {
        result.AddError("--layers must be 1 to 4096.");
    }
});

RootCommand root = new("Write a GGUF model of a real shape with random weights: for speed and memory, not for text. No byte is anybody's.") { shape, type, layers, seed, output };
root.SetAction(parsed =>
{
    MadeShape made = MadeShape.All.Single(candidate => candidate.Name == parsed.GetValue(shape));
    made = made with { Layers = parsed.GetValue(layers) ?? made.Layers };
    TypeMixture mixture = TypeMixture.All.Single(candidate => candidate.Name == parsed.GetValue(type));
    string file = parsed.GetRequiredValue(output);
    long bytes = RandomModel.Write(file, made, mixture, parsed.GetValue(seed));
    Console.Out.WriteLine($"{file}: {made.Name}, {made.Layers} layers, {mixture.Name}, {bytes} bytes");
});
return root.Parse(args).Invoke();
