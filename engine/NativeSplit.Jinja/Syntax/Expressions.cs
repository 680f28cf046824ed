namespace NativeSplit.Jinja.Syntax;

/// <summary>An expression. Immutable.</summary>
/// <param name="Position">Where it begins in the prepared source.</param>
/// <param name="Height">Nodes on the longest way down, itself included; bounds the recursion of the evaluator.</param>
internal abstract record Expression(int Position, int Height);

/// <summary>A number or string written in the source.</summary>
internal sealed record Literal(int Position, JinjaValue Value) : Expression(Position, 1);

/// <summary>A name.</summary>
internal sealed record NameExpression(int Position, string Name) : Expression(Position, 1);

/// <summary><c>[a, b]</c> or <c>(a, b)</c>.</summary>
internal sealed record ListExpression(int Position, int Height, IReadOnlyList<Expression> Items, bool IsTuple) : Expression(Position, Height);

/// <summary><c>{"a": b}</c>.</summary>
internal sealed record DictExpression(int Position, int Height, IReadOnlyList<(Expression Key, Expression Value)> Entries)
    : Expression(Position, Height);

/// <summary><c>not a</c>, <c>-a</c>, <c>+a</c>.</summary>
internal sealed record UnaryExpression(int Position, int Height, UnaryOperator Operator, Expression Operand) : Expression(Position, Height);

/// <summary><c>a + b</c> and the like.</summary>
internal sealed record BinaryExpression(int Position, int Height, BinaryOperator Operator, Expression Left, Expression Right)
    : Expression(Position, Height);

/// <summary><c>a if b else c</c>; without <c>else</c> the value is undefined when the condition fails.</summary>
internal sealed record ConditionalExpression(int Position, int Height, Expression Condition, Expression Then, Expression? Else)
    : Expression(Position, Height);

/// <summary><c>a.name</c>, <c>a.0</c>, <c>a[key]</c>.</summary>
/// <param name="Position">Where the member begins.</param>
/// <param name="Height">Nodes on the longest way down.</param>
/// <param name="Target">What holds the member.</param>
/// <param name="Key">Which member; a literal after a dot.</param>
/// <param name="IsComputed">Whether brackets hold the key.</param>
internal sealed record MemberExpression(int Position, int Height, Expression Target, Expression Key, bool IsComputed)
    : Expression(Position, Height);

/// <summary><c>a[start:stop:step]</c>.</summary>
internal sealed record SliceExpression(int Position, int Height, Expression Target, Expression? Start, Expression? Stop, Expression? Step)
    : Expression(Position, Height);

/// <summary><c>a(x, y=z)</c>.</summary>
internal sealed record CallExpression(int Position, int Height, Expression Callee, ArgumentList Arguments) : Expression(Position, Height);

/// <summary><c>a | name(x)</c>.</summary>
internal sealed record FilterExpression(int Position, int Height, Expression Operand, FilterUse Use) : Expression(Position, Height);

/// <summary><c>a is name(x)</c>.</summary>
internal sealed record TestExpression(int Position, int Height, Expression Operand, string Name, bool IsNegated, ArgumentList Arguments)
    : Expression(Position, Height);

/// <summary>A filter and its arguments.</summary>
/// <param name="Position">Where its name begins.</param>
/// <param name="Name">Its name.</param>
/// <param name="Arguments">Its arguments.</param>
/// <param name="HasParentheses">Whether arguments were given, if only <c>()</c>.</param>
internal sealed record FilterUse(int Position, string Name, ArgumentList Arguments, bool HasParentheses);

/// <summary>How an argument is given.</summary>
internal enum ArgumentKind
{
    /// <summary><c>a</c></summary>
    Positional,

    /// <summary><c>name=a</c></summary>
    Named,

    /// <summary><c>*a</c></summary>
    Spread,

    /// <summary><c>**a</c></summary>
    NamedSpread,
}

/// <summary>An argument of a call.</summary>
internal readonly record struct Argument(ArgumentKind Kind, string? Name, Expression Value);

/// <summary>Arguments of a call.</summary>
/// <param name="Items">In the order of the source.</param>
/// <param name="Height">Height of the highest value; 0 for none.</param>
internal sealed record ArgumentList(IReadOnlyList<Argument> Items, int Height)
{
    public static ArgumentList Empty { get; } = new([], 0);
}

/// <summary>Operators before an operand.</summary>
internal enum UnaryOperator
{
    /// <summary><c>not</c></summary>
    Not,

    /// <summary><c>-</c></summary>
    Minus,

    /// <summary><c>+</c></summary>
    Plus,
}

/// <summary>Operators between operands.</summary>
internal enum BinaryOperator
{
    /// <summary><c>and</c>: the first operand that is false, or the last.</summary>
    And,

    /// <summary><c>or</c>: the first operand that is true, or the last.</summary>
    Or,

    /// <summary><c>==</c></summary>
    Equal,

    /// <summary><c>!=</c></summary>
    NotEqual,

    /// <summary><c>&lt;</c></summary>
    Less,

    /// <summary><c>&lt;=</c></summary>
    LessOrEqual,

    /// <summary><c>&gt;</c></summary>
    Greater,

    /// <summary><c>&gt;=</c></summary>
    GreaterOrEqual,

    /// <summary><c>in</c></summary>
    In,

    /// <summary><c>not in</c></summary>
    NotIn,

    /// <summary><c>+</c></summary>
    Add,

    /// <summary><c>-</c></summary>
    Subtract,

    /// <summary><c>~</c>: joins as text.</summary>
    Join,

    /// <summary><c>*</c></summary>
    Multiply,

    /// <summary><c>/</c></summary>
    Divide,

    /// <summary><c>//</c>: rounds down.</summary>
    FloorDivide,

    /// <summary><c>%</c>: the sign is the dividend's.</summary>
    Remainder,

    /// <summary><c>**</c></summary>
    Power,
}
