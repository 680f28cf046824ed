using System.Text.Json.Nodes;

namespace NativeSplit.Jinja;

/// <summary>
/// A chat template in Jinja, parsed once. Immutable; safe from any thread. It renders as <c>@huggingface/jinja</c> does, with
/// <c>trim_blocks</c> and <c>lstrip_blocks</c> on.
/// </summary>
/// <remarks>
/// <para>Statements: <c>if</c>, <c>for</c> (with <c>if</c>, <c>else</c>, unpacking, <c>break</c>, <c>continue</c>), <c>set</c>, <c>macro</c>,
/// <c>call</c>, <c>filter</c>, comments; <c>generation</c> tags are dropped. Globals: <c>range</c>, <c>namespace</c>, <c>dict</c>,
/// <c>raise_exception</c>, <c>strftime_now</c>.</para>
/// <para>Where the reference fails for want of a filter, a test or a method, or on undefined values, this follows Jinja2 for Python.
/// On purpose it differs in three things: integers have 64 bits, where the reference rounds past 2^53; a dict joined to a
/// string and a function printed are errors, where the reference writes <c>[object Map]</c> and its own source; a filter, test or statement
/// that isn't supported is an error when the template is parsed, not when it is reached.</para>
/// <para>Of the reference's own ways, these surprise most: <c>strip</c> and its kin take off white space whatever they are told to;
/// <c>==</c> is that of ECMAScript and compares lists and dicts by identity; <c>break</c> and <c>continue</c> drop what their iteration printed.</para>
/// </remarks>
public sealed class JinjaTemplate
{
    private readonly TemplateSource _source;
    private readonly Block _body;
    private readonly JinjaLimits _limits;

    private JinjaTemplate(TemplateSource source, Block body, JinjaLimits limits)
    {
        _source = source;
        _body = body;
        _limits = limits;
    }

    /// <summary>Parses a template.</summary>
    /// <param name="source">Jinja source.</param>
    /// <param name="limits">Bounds on parsing and on every rendering; null for <see cref="JinjaLimits.Default"/>.</param>
    /// <exception cref="JinjaException">
    /// <see cref="JinjaFault.Syntax"/>, <see cref="JinjaFault.Unsupported"/>, or <see cref="JinjaFault.LimitExceeded"/> for a source
    /// that is too long or nested too deeply.
    /// </exception>
    public static JinjaTemplate Parse(string source, JinjaLimits? limits = null)
    {
        ArgumentNullException.ThrowIfNull(source);
        limits ??= JinjaLimits.Default;
        if (source.Length > limits.MaxSourceLength)
        {
            throw new JinjaException(JinjaFault.LimitExceeded, $"The template has {source.Length} characters; {limits.MaxSourceLength} are allowed", 1, 1);
        }

        TemplateSource prepared = TemplateSource.Prepare(source);
        return new JinjaTemplate(prepared, Parser.Parse(prepared, limits), limits);
    }

    /// <summary>Renders the template.</summary>
    /// <param name="values">
    /// Values by name: null, <see cref="bool"/>, <see cref="int"/>, <see cref="long"/>, <see cref="double"/>, <see cref="string"/>,
    /// <see cref="JsonNode"/>, <see cref="System.Text.Json.JsonElement"/>, <see cref="JinjaJsonText"/>, a dictionary with string keys, or a sequence of these.
    /// An absent name is undefined. A whole number is an integer, whatever its type.
    /// </param>
    /// <param name="clock">Gives <c>strftime_now</c> its local time; null for the system's.</param>
    /// <exception cref="JinjaException">
    /// <see cref="JinjaFault.Runtime"/>, <see cref="JinjaFault.Raised"/> or <see cref="JinjaFault.LimitExceeded"/>.
    /// </exception>
    /// <exception cref="ArgumentException">A value has a type without counterpart, or values are nested too deeply.</exception>
    public string Render(IReadOnlyDictionary<string, object?> values, TimeProvider? clock = null)
    {
        ArgumentNullException.ThrowIfNull(values);
        return RenderEntries(values, clock);
    }

    /// <inheritdoc cref="Render(IReadOnlyDictionary{string, object?}, TimeProvider?)"/>
    public string Render(JsonObject values, TimeProvider? clock = null)
    {
        ArgumentNullException.ThrowIfNull(values);
        return RenderEntries(values.Select(entry => KeyValuePair.Create(entry.Key, (object?)entry.Value)), clock);
    }

    private string RenderEntries(IEnumerable<KeyValuePair<string, object?>> values, TimeProvider? clock)
    {
        Scope scope = Globals.CreateScope(clock ?? TimeProvider.System);
        foreach ((string name, object? value) in values)
        {
            scope.Set(name, ValueConverter.Convert(value, _limits.MaxValueDepth));
        }

        return new Evaluator(_source, _limits).Render(_body, scope);
    }
}
