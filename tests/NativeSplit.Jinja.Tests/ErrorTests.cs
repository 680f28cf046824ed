namespace NativeSplit.Jinja.Tests;

/// <summary>Errors say what and where.</summary>
public sealed class ErrorTests
{
    [Theory]
    [InlineData("a\n{% if x %}\nb", JinjaFault.Syntax, 2, 4, "The block 'if' isn't closed: 'endif' is missing")]
    [InlineData("{% for a in b %}{% else %}", JinjaFault.Syntax, 1, 4, "The block 'for' isn't closed: 'endfor' is missing")]
    [InlineData("{{ a", JinjaFault.Syntax, 1, 1, "The tag '{{' isn't closed with '}}'")]
    [InlineData("\n\n  {% set a = 1", JinjaFault.Syntax, 3, 3, "The tag '{%' isn't closed with '%}'")]
    [InlineData("x {# y", JinjaFault.Syntax, 1, 3, "The comment '{#' isn't closed with '#}'")]
    [InlineData("{{ 'a }}", JinjaFault.Syntax, 1, 4, "The string isn't closed")]
    [InlineData("{{ a ? b }}", JinjaFault.Syntax, 1, 6, "Unexpected character '?'")]
    [InlineData("{{ a b }}", JinjaFault.Syntax, 1, 6, "Expected '}}', found 'b'")]
    [InlineData("{{ (1, 2 }}", JinjaFault.Syntax, 1, 10, "Expected ')', found '}}'")]
    [InlineData("{{ f(a=1, 2) }}", JinjaFault.Syntax, 1, 11, "A positional argument must come before named and unpacked ones")]
    [InlineData("{% endif %}", JinjaFault.Syntax, 1, 4, "'endif' closes no open block")]
    [InlineData("{% break %}", JinjaFault.Syntax, 1, 4, "'break' outside a loop")]
    [InlineData("{% set 1 = 2 %}", JinjaFault.Syntax, 1, 8, "'set' needs a name, names, or an attribute of a namespace")]
    [InlineData("{% macro f(a, a) %}{% endmacro %}", JinjaFault.Syntax, 1, 15, "The parameter 'a' is declared twice")]
    [InlineData("a\n{% include 'x' %}", JinjaFault.Unsupported, 2, 4, "The statement 'include' isn't supported")]
    [InlineData("{% raw %}{% endraw %}", JinjaFault.Unsupported, 1, 4, "The statement 'raw' isn't supported")]
    [InlineData("{{ a | xmlattr }}", JinjaFault.Unsupported, 1, 8, "The filter 'xmlattr' isn't supported")]
    [InlineData("{% if a is escaped %}{% endif %}", JinjaFault.Unsupported, 1, 12, "The test 'escaped' isn't supported")]
    [InlineData("{{ a | select('nope') }}", JinjaFault.Unsupported, 1, 15, "The test 'nope' isn't supported")]
    [InlineData("{{ a | map('nope') }}", JinjaFault.Unsupported, 1, 12, "The filter 'nope' isn't supported")]
    [InlineData("{% for a in b recursive %}{% endfor %}", JinjaFault.Unsupported, 1, 15, "A 'recursive' loop isn't supported")]
    [InlineData("{{ 99999999999999999999 }}", JinjaFault.Unsupported, 1, 4, "The integer 99999999999999999999 is outside 64 bits")]
    public void Parse_SaysWhatAndWhere_WhenSourceIsBad(string source, JinjaFault fault, int line, int column, string detail)
    {
        JinjaException error = Assert.Throws<JinjaException>(() => JinjaTemplate.Parse(source));

        Assert.Equal((fault, detail, line, column), (error.Fault, error.Detail, error.Line, error.Column));
        Assert.Equal($"{detail} (line {line}, column {column} of the template)", error.Message);
    }

    [Theory]
    [InlineData("{{ nope() }}", JinjaFault.Runtime, 1, 8, "'nope' is undefined and can't be called")]
    [InlineData("{{ x.append(1) }}", JinjaFault.Runtime, 1, 12, "'x.append' is undefined and can't be called")]
    [InlineData("{{ joiner(',') }}", JinjaFault.Runtime, 1, 10, "'joiner' is undefined and can't be called")]
    [InlineData("a\n  {%- if 1 %}\n {{ 1 + none }}{% endif %}", JinjaFault.Runtime, 3, 7, "'+' doesn't work between integer and none")]
    [InlineData("{{ 'a' + {} }}", JinjaFault.Runtime, 1, 8, "A dict can't be joined to a string; use tojson")]
    [InlineData("{{ range }}", JinjaFault.Runtime, 1, 1, "The function 'range' can't be printed; call it")]
    [InlineData("{{ x|map('no' ~ 'pe') }}", JinjaFault.Unsupported, 1, 6, "The filter 'nope' isn't supported")]
    [InlineData("{{ 9223372036854775807 + 1 }}", JinjaFault.Runtime, 1, 24, "An integer leaves its 64 bits")]
    [InlineData("{{ -9223372036854775807 - 9 }}", JinjaFault.Runtime, 1, 25, "An integer leaves its 64 bits")]
    [InlineData("{% for a, b in [[1, 2, 3]] %}{% endfor %}", JinjaFault.Runtime, 1, 4, "3 values can't be unpacked into 2 names")]
    [InlineData("{% macro f(a) %}{% endmacro %}{{ f(1, 2) }}", JinjaFault.Runtime, 1, 35, "The macro 'f' takes 1 arguments, not 2")]
    [InlineData("\n{{ raise_exception('No ' ~ 1) }}", JinjaFault.Raised, 2, 19, "No 1")]
    public void Render_SaysWhatAndWhere_WhenTemplateFails(string source, JinjaFault fault, int line, int column, string detail)
    {
        JinjaTemplate template = JinjaTemplate.Parse(source);

        JinjaException error = Assert.Throws<JinjaException>(() => template.Render(new Dictionary<string, object?> { ["x"] = new[] { 1 } }));

        Assert.Equal((fault, detail, line, column), (error.Fault, error.Detail, error.Line, error.Column));
    }

    [Fact]
    public void Parse_EndsWithErrorOrTemplate_WhenPublishedTemplateIsCutAnywhere()
    {
        string source = Recording.ReadText("hermes-3-tool-use.jinja");
        for (int length = 0; length < source.Length; length += 7)
        {
            string cut = source[..length];
            Exception? error = Record.Exception(() => JinjaTemplate.Parse(cut));

            Assert.True(error is null or JinjaException { Fault: JinjaFault.Syntax }, $"cut at {length}: {error}");
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void Parse_EndsWithErrorOrTemplate_WhenPublishedTemplateIsDamaged(int seed)
    {
        string source = Recording.ReadText("llama-3.2.jinja");
        string[] marks = ["{%", "%}", "{{", "}}", "{#", "#}", "-", "(", ")", "[", "]", "{", "}", "'", "\"", "\\", "|", " is ", " not ", ":", ",", "=", "\0", "\ud800"];
        Random random = new(seed);
        for (int i = 0; i < 500; i++)
        {
            int at = random.Next(source.Length);
            string damaged = source[..at] + marks[random.Next(marks.Length)] + source[Math.Min(at + random.Next(4), source.Length)..];
            Exception? error = Record.Exception(() => JinjaTemplate.Parse(damaged).Render([]));

            Assert.True(error is null or JinjaException, $"seed {seed}, round {i}, at {at}: {error}");
        }
    }
}
