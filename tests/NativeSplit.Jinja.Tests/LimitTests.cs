using System.Text.Json.Nodes;

namespace NativeSplit.Jinja.Tests;

/// <summary>A template from a hostile model file ends with an error: no hang, no stack overflow, no memory without end.</summary>
public sealed class LimitTests
{
    public static TheoryData<string> HostileTemplates =>
    [
        "{% for i in range(100000) %}{% for j in range(100000) %}{% endfor %}{% endfor %}",
        "{% for i in range(100000000) %}x{% endfor %}",
        "{{ range(-9223372036854775807, 9223372036854775807)|length }}",
        "{{ range(0, 9223372036854775807, 4611686018427387904)|length }}{{ range(100001) }}",
        "{{ 'x' * 100000000000 }}",
        "{{ 9223372036854775807 * 'xy' }}",
        "{{ [1] * 100000000000 }}",
        "{{ ['x' * 10000000, 'x' * 10000000]|join }}",
        "{% set ns = namespace(s='x') %}{% for i in range(1000) %}{% set ns.s = ns.s + ns.s %}{% endfor %}",
        "{% set ns = namespace(s='x') %}{% for i in range(1000) %}{% set ns.s = ns.s ~ ns.s %}{% endfor %}",
        "{% set ns = namespace(l=[1]) %}{% for i in range(1000) %}{% set ns.l = ns.l + ns.l %}{% endfor %}",
        "{% set s = 'x' * 10000000 %}{% for i in range(1000) %}{{ s }}{% endfor %}",
        "{% set s = 'x' * 10000000 %}{% for i in range(100000) %}{{ 'y' in s }}{% endfor %}",
        "{% set s = 'x' * 10000000 %}{% set t = 'x' * 10000000 %}{% for i in range(100000) %}{{ s == t }}{% endfor %}",
        "{% set s = 'x' * 10000000 %}{% for i in range(100000) %}{{ s|upper|length }}{% endfor %}",
        "{% set s = 'x' * 10000000 %}{% for i in range(100000) %}{{ s is lower }}{% endfor %}",
        "{% set s = 'x' * 10000000 %}{% for i in range(100000) %}{{ s.find('y') }}{{ s.count('y') }}{% endfor %}",
        "{% set s = 'x' * 10000000 %}{% for i in range(100000) %}{{ {}[s] }}{{ {}.get(s) }}{% endfor %}",
        "{% set s = 'x' * 10000000 %}{{ s|replace('x', s) }}",
        "{% set s = 'x' * 1000000 %}{{ s|replace('', 'y' * 1000) }}",
        "{% set s = '\n' * 1000000 %}{{ s|indent(1000, blank=true) }}",
        "{{ 'x'|indent(99999999999) }}",
        "{{ 'x'|indent(16000000, true)|indent(16000000, true)|indent(16000000, true)|indent(16000000, true)|indent(16000000, true) }}",
        "{% set s = 'x' * 10000000 %}{{ s|list }}",
        "{% set s = 'x ' * 5000000 %}{{ s.split()|length }}",
        "{% set l = range(100000) %}{% for i in l %}{% for j in l %}{{ j }}{% endfor %}{% endfor %}",
        "{% set l = range(100000) %}{% for i in l %}{{ -1 in l }}{% endfor %}",
        "{% set l = range(100000) %}{% for i in l %}{{ l|sort|length }}{% endfor %}",
        "{% set l = range(100000) %}{% for i in l %}{{ l|map('string')|list|length }}{% endfor %}",
        "{% set l = range(100000) %}{% for i in l %}{{ l|select('odd')|list|length }}{{ l|unique|length }}{{ l[::-1]|length }}{% endfor %}",
        "{% set l = range(100000) %}{% for i in l %}{% for j in l if false %}{% endfor %}{% endfor %}",
        "{{ [1]|batch(2000000000, 0) }}",
        "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}",
        "{% macro f(x=f()) %}{% endmacro %}{{ f() }}",
        "{% macro f(n) %}{{ g(n) }}{% endmacro %}{% macro g(n) %}{{ f(n) }}{% endmacro %}{{ f(1) }}",
        "{% macro f() %}{% call f() %}{% endcall %}{% endmacro %}{{ f() }}",
        "{% macro f(n) %}{% if n %}{{ f(n - 1) }}{{ f(n - 1) }}{% endif %}{% endmacro %}{{ f(60) }}",
        "{% set ns = namespace() %}{% set ns.a = ns %}{{ ns }}",
        "{% set ns = namespace() %}{% set ns.a = [ns, ns] %}{{ ns|tojson }}",
        "{% set ns = namespace(v=[]) %}{% for i in range(100000) %}{% set ns.v = [ns.v] %}{% endfor %}{{ ns.v }}",
        "{% set ns = namespace(v={}) %}{% for i in range(100000) %}{% set ns.v = {'a': ns.v} %}{% endfor %}{{ ns.v|tojson(indent=64) }}",
        "{% set ns = namespace(v=[]) %}{% for i in range(30) %}{% set ns.v = [ns.v, ns.v] %}{% endfor %}{{ ns.v|tojson }}",
        "{% set ns = namespace(v=[]) %}{% for i in range(30) %}{% set ns.v = [ns.v, ns.v] %}{% endfor %}{{ 'x' + ns.v }}",
        "{% set x = 'abc' * 5000000 %}{% macro f() %}{{ x }}{% endmacro %}{% for i in range(100) %}{% set y = f() %}{% endfor %}",
        "{{ (9 * '9' * 1000000)|int }}",
    ];

    [Theory]
    [MemberData(nameof(HostileTemplates))]
    public void Render_EndsWithLimit_WhenTemplateIsHostile(string source)
    {
        JinjaTemplate template = JinjaTemplate.Parse(source);
        long before = GC.GetAllocatedBytesForCurrentThread();

        JinjaException error = Assert.Throws<JinjaException>(() => template.Render([]));

        long allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        Assert.True(error.Fault is JinjaFault.LimitExceeded or JinjaFault.Runtime, error.Message);
        Assert.InRange(allocated, 0, 3L << 30);
    }

    [Theory]
    [InlineData("(", ")")]
    [InlineData("[", "]")]
    [InlineData("{'a': ", "}")]
    [InlineData("not ", "")]
    [InlineData("- ", "")]
    [InlineData("a if b else ", "")]
    [InlineData("f(", ")")]
    [InlineData("a[", "]")]
    [InlineData("a|default(", ")")]
    [InlineData("a is eq(", ")")]
    [InlineData("a is eq -", "")]
    public void Parse_EndsWithLimit_WhenExpressionIsNestedDeeply(string open, string close)
    {
        string source = "{{ " + Repeat(open, 100_000) + "1" + Repeat(close, 100_000) + " }}";
        JinjaLimits limits = new() { MaxSourceLength = 10_000_000 };

        JinjaException error = Assert.Throws<JinjaException>(() => JinjaTemplate.Parse(source, limits));

        Assert.Equal(JinjaFault.LimitExceeded, error.Fault);
    }

    [Theory]
    [InlineData(" + 1")]
    [InlineData(" ~ 1")]
    [InlineData(" * 1")]
    [InlineData(" ** 1")]
    [InlineData(" and 1")]
    [InlineData(" or 1")]
    [InlineData(" == 1")]
    [InlineData(" in 1")]
    [InlineData("|string")]
    [InlineData(" is defined")]
    [InlineData(".a")]
    [InlineData("[0]")]
    [InlineData("[:]")]
    [InlineData("()")]
    public void Parse_EndsWithLimit_WhenChainIsLong(string link)
    {
        string source = "{{ a" + Repeat(link, 100_000) + " }}";
        JinjaLimits limits = new() { MaxSourceLength = 10_000_000 };

        JinjaException error = Assert.Throws<JinjaException>(() => JinjaTemplate.Parse(source, limits));

        Assert.Equal(JinjaFault.LimitExceeded, error.Fault);
    }

    [Theory]
    [InlineData("{% if a %}", "{% endif %}")]
    [InlineData("{% for a in b %}", "{% endfor %}")]
    [InlineData("{% set a %}", "{% endset %}")]
    [InlineData("{% macro a() %}", "{% endmacro %}")]
    [InlineData("{% filter upper %}", "{% endfilter %}")]
    [InlineData("{% call a() %}", "{% endcall %}")]
    public void Parse_EndsWithLimit_WhenBlocksAreNestedDeeply(string open, string close)
    {
        string source = Repeat(open, 20_000) + Repeat(close, 20_000);

        JinjaException error = Assert.Throws<JinjaException>(() => JinjaTemplate.Parse(source));

        Assert.Equal(JinjaFault.LimitExceeded, error.Fault);
    }

    [Fact]
    public void Render_Works_WhenNestingIsAtItsBound()
    {
        string parentheses = "{{ " + Repeat("(", 190) + "1" + Repeat(")", 190) + " }}";
        string chain = "{{ 1" + Repeat(" + 1", 700) + " }}";
        string elifs = "{% if a %}" + Repeat("{% elif a %}", 20_000) + "{% else %}x{% endif %}";

        Assert.Equal("1", JinjaTemplate.Parse(parentheses).Render([]));
        Assert.Equal("701", JinjaTemplate.Parse(chain).Render([]));
        Assert.Equal("x", JinjaTemplate.Parse(elifs).Render([]));
    }

    [Fact]
    public void Render_EndsWithLimit_WhenStackIsSmall()
    {
        string body = "{{ " + Repeat("(1 + ", 150) + "f()" + Repeat(")", 150) + " }}";
        JinjaTemplate template = JinjaTemplate.Parse("{% macro f() %}" + body + "{% endmacro %}{{ f() }}");
        Exception? error = null;
        Thread thread = new(() => error = Record.Exception(() => template.Render([])), 256 << 10);
        thread.Start();
        thread.Join();

        Assert.Equal(JinjaFault.LimitExceeded, Assert.IsType<JinjaException>(error).Fault);
    }

    [Fact]
    public void Parse_EndsWithLimit_WhenSourceIsLong()
    {
        JinjaException error = Assert.Throws<JinjaException>(() => JinjaTemplate.Parse(new string('x', (1 << 20) + 1)));

        Assert.Equal(JinjaFault.LimitExceeded, error.Fault);
    }

    [Fact]
    public void Render_EndsWithLimit_WhenOutputPassesItsBound()
    {
        JinjaLimits limits = new() { MaxOutputLength = 10 };

        Assert.Equal("0123456789", JinjaTemplate.Parse("0123456789", limits).Render([]));
        JinjaException error = Assert.Throws<JinjaException>(() => JinjaTemplate.Parse("0123456789{{ 'x' }}", limits).Render([]));
        Assert.Equal(JinjaFault.LimitExceeded, error.Fault);
        Assert.Equal((1, 11), (error.Line, error.Column));
    }

    [Fact]
    public void Render_Throws_WhenValuesAreNestedDeeply()
    {
        JsonNode value = new JsonArray();
        for (int i = 0; i < 10_000; i++)
        {
            value = new JsonArray(value);
        }

        Assert.Throws<ArgumentException>(() => JinjaTemplate.Parse("x").Render(new JsonObject { ["a"] = value }));
    }

    [Fact]
    public void Render_HasRoom_WhenChatIsLong()
    {
        JsonArray messages = [.. Enumerable.Range(0, 4000).Select(i => new JsonObject
        {
            ["role"] = i % 2 == 0 ? "user" : "assistant",
            ["content"] = new string('x', 1000),
        })];
        string source = Recording.ReadText("qwen-3.jinja");

        string prompt = JinjaTemplate.Parse(source).Render(new JsonObject { ["messages"] = messages });

        Assert.InRange(prompt.Length, 4_000_000, 5_000_000);
    }

    private static string Repeat(string text, int times) => string.Concat(Enumerable.Repeat(text, times));
}
