namespace NativeSplit.Jinja.Syntax;

/// <summary>A statement. Immutable.</summary>
/// <param name="Position">Where it begins in the prepared source.</param>
internal abstract record Statement(int Position);

/// <summary>Text between tags.</summary>
internal sealed record TextStatement(int Position, string Text) : Statement(Position);

/// <summary><c>{{ a }}</c></summary>
internal sealed record PrintStatement(int Position, Expression Value) : Statement(Position);

/// <summary><c>{% if %}…{% elif %}…{% else %}…{% endif %}</c></summary>
internal sealed record IfStatement(int Position, IReadOnlyList<(Expression Condition, Block Body)> Branches, Block Else) : Statement(Position);

/// <summary><c>{% for a, b in items if condition %}…{% else %}…{% endfor %}</c></summary>
/// <param name="Position">Where it begins.</param>
/// <param name="Names">Loop variables.</param>
/// <param name="IsUnpacked">Whether each item is a list with one value for each name.</param>
/// <param name="Items">What to go through.</param>
/// <param name="Condition">Which items to take; null for all.</param>
/// <param name="Body">Run for each item.</param>
/// <param name="Else">Run if no iteration came to its end.</param>
internal sealed record ForStatement(
    int Position, IReadOnlyList<string> Names, bool IsUnpacked, Expression Items, Expression? Condition, Block Body, Block Else)
    : Statement(Position);

/// <summary><c>{% break %}</c></summary>
internal sealed record BreakStatement(int Position) : Statement(Position);

/// <summary><c>{% continue %}</c></summary>
internal sealed record ContinueStatement(int Position) : Statement(Position);

/// <summary><c>{% set a = value %}</c> or <c>{% set a %}…{% endset %}</c></summary>
/// <param name="Position">Where it begins.</param>
/// <param name="Target">What is set.</param>
/// <param name="Value">The value; null when a block gives it.</param>
/// <param name="Body">The block that gives the value as text; null when there is a value.</param>
internal sealed record SetStatement(int Position, SetTarget Target, Expression? Value, Block? Body) : Statement(Position);

/// <summary>What a <c>set</c> sets: names, or an attribute of a namespace.</summary>
/// <param name="Names">Names; several for <c>a, b</c>. Empty for an attribute.</param>
/// <param name="IsUnpacked">Whether the value is a list with one value for each name.</param>
/// <param name="Owner">The namespace whose attribute is set; null for names.</param>
/// <param name="Attribute">The attribute; null for names.</param>
internal sealed record SetTarget(IReadOnlyList<string> Names, bool IsUnpacked, Expression? Owner, string? Attribute);

/// <summary><c>{% macro name(a, b=1) %}…{% endmacro %}</c></summary>
internal sealed record MacroStatement(int Position, string Name, MacroSignature Signature, Block Body) : Statement(Position);

/// <summary><c>{% call(a) macro(x) %}…{% endcall %}</c></summary>
internal sealed record CallStatement(int Position, string Macro, ArgumentList Arguments, MacroSignature Signature, Block Body)
    : Statement(Position);

/// <summary><c>{% filter name(x) %}…{% endfilter %}</c></summary>
internal sealed record FilterStatement(int Position, FilterUse Use, Block Body) : Statement(Position);

/// <summary>Statements in a row.</summary>
internal sealed record Block(IReadOnlyList<Statement> Statements)
{
    public static Block Empty { get; } = new([]);
}

/// <summary>Parameters of a macro or of a call block.</summary>
/// <param name="Parameters">Names, with defaults.</param>
/// <param name="TakesVarargs">Whether the body reads <c>varargs</c>, and so takes more positional arguments.</param>
/// <param name="TakesKwargs">Whether the body reads <c>kwargs</c>, and so takes any named argument.</param>
internal sealed record MacroSignature(IReadOnlyList<(string Name, Expression? Default)> Parameters, bool TakesVarargs, bool TakesKwargs);
