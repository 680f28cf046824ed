using System.Text.Json;
using System.Text.Json.Nodes;

namespace NativeSplit.Jinja.Tests;

/// <summary>How values come in, and how a template is shared.</summary>
public sealed class RenderTests
{
    private const string EveryValue = "{{ [a, b, c, d, e, f, g, h, i, j]|tojson }}";

    [Fact]
    public void Render_TakesEveryKindOfValue()
    {
        Dictionary<string, object?> values = new()
        {
            ["a"] = null,
            ["b"] = true,
            ["c"] = 1,
            ["d"] = long.MaxValue,
            ["e"] = 1.5,
            ["f"] = "x",
            ["g"] = new JsonArray(1, "y", null, new JsonObject { ["z"] = 2.0 }),
            ["h"] = JsonDocument.Parse("{\"k\": [1, 2.5, false]}").RootElement,
            ["i"] = new Dictionary<string, object?> { ["m"] = new object?[] { 1, null } },
            ["j"] = new JinjaJsonText("{ \"q\":1 }", new JsonObject { ["q"] = 1 }),
        };

        string text = JinjaTemplate.Parse(EveryValue).Render(values);

        Assert.Equal("[null, true, 1, 9223372036854775807, 1.5, \"x\", [1, \"y\", null, {\"z\": 2}], {\"k\": [1, 2.5, false]}, {\"m\": [1, null]}, {\"q\": 1}]", text);
    }

    [Fact]
    public void Render_KeepsTheText_WhenJsonTextIsJoinedToAString()
    {
        Dictionary<string, object?> values = new() { ["a"] = new JinjaJsonText("{ \"q\":1 }", new JsonObject { ["q"] = 1 }) };
        JinjaTemplate template = JinjaTemplate.Parse("{{ a is mapping }} {{ a.q }} {{ '<' + a + '>' }} {{ '<' ~ a ~ '>' }} {{ a|tojson }}");

        Assert.Equal("true 1 <{ \"q\":1 }> <{ \"q\":1 }> {\"q\": 1}", template.Render(values));
    }

    [Fact]
    public void Render_Throws_WhenValueHasNoCounterpart()
    {
        ArgumentException error = Assert.Throws<ArgumentException>(
            () => JinjaTemplate.Parse("x").Render(new Dictionary<string, object?> { ["a"] = Guid.Empty }));

        Assert.Contains("Guid", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Render_GivesTheSame_WhenManyThreadsShareATemplate()
    {
        JinjaTemplate template = JinjaTemplate.Parse(
            "{% set ns = namespace(t=0) %}{% macro f(x) %}{{ x * n }},{% endmacro %}{% for i in range(50) %}{% set ns.t = ns.t + i * n %}{{ f(i) }}{% endfor %}{{ ns.t }}");
        string[] alone = [.. Enumerable.Range(0, 64).Select(n => template.Render(new JsonObject { ["n"] = n }))];
        string[] together = new string[64];

        Parallel.For(0, 64, n => together[n] = template.Render(new JsonObject { ["n"] = n }));

        Assert.Equal(alone, together);
    }

    [Fact]
    public void Render_LeavesTheValues_WhenTemplateSetsTheirNames()
    {
        JsonObject values = new() { ["a"] = new JsonArray(1) };

        JinjaTemplate.Parse("{% set a = a + [2] %}{{ a }}").Render(values);

        Assert.Equal("{\"a\":[1]}", values.ToJsonString());
    }

    [Fact]
    public void Render_TellsLocalTime_WhenTemplateAsks()
    {
        string text = JinjaTemplate.Parse("{{ strftime_now('%d %b %Y %H:%M') }}").Render([], new EasternClock());

        Assert.Equal("01 Jan 2030 04:30", text);
    }

    /// <summary>Half past eight in the evening of the last day of 2029 by UTC, eight hours later by the wall.</summary>
    private sealed class EasternClock : TimeProvider
    {
        public override TimeZoneInfo LocalTimeZone { get; } = TimeZoneInfo.CreateCustomTimeZone("east", TimeSpan.FromHours(8), null, null);

        public override DateTimeOffset GetUtcNow() => new(2029, 12, 31, 20, 30, 0, TimeSpan.Zero);
    }
}
