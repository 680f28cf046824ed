using System.Text.Json.Nodes;

namespace NativeSplit.Jinja;

/// <summary>
/// A dict that came as JSON text and keeps it. Templates see a dict; where one joins it to a string with <c>+</c> or
/// <c>~</c>, it stands for its text. So the arguments of a tool call serve both kinds of template: those that
/// expect a dict and those that expect the string.
/// </summary>
/// <param name="Text">The JSON text as it came.</param>
/// <param name="Value">The same, parsed.</param>
public sealed record JinjaJsonText(string Text, JsonObject Value);
