namespace NativeSplit.Jinja.Values;

/// <summary>A value while a template is rendered. Immutable, namespaces apart.</summary>
internal abstract class JinjaValue
{
    /// <summary>How messages name its type.</summary>
    public abstract string TypeName { get; }

    /// <summary>Whether a condition holds on it.</summary>
    public abstract bool IsTrue { get; }
}

/// <summary>What isn't there. Prints as nothing, and its members are undefined too.</summary>
internal sealed class UndefinedValue : JinjaValue
{
    public static readonly UndefinedValue Instance = new();

    private UndefinedValue()
    {
    }

    public override string TypeName => "undefined";

    public override bool IsTrue => false;
}

/// <summary><c>none</c>. Prints as nothing.</summary>
internal sealed class NoneValue : JinjaValue
{
    public static readonly NoneValue Instance = new();

    private NoneValue()
    {
    }

    public override string TypeName => "none";

    public override bool IsTrue => false;
}

/// <summary><c>true</c> or <c>false</c>.</summary>
internal sealed class BooleanValue : JinjaValue
{
    public static readonly BooleanValue True = new(true);
    public static readonly BooleanValue False = new(false);

    private BooleanValue(bool value) => Value = value;

    public bool Value { get; }

    public override string TypeName => "boolean";

    public override bool IsTrue => Value;

    public static BooleanValue Of(bool value) => value ? True : False;
}

/// <summary>An integer of 64 bits.</summary>
internal sealed class IntegerValue(long value) : JinjaValue
{
    public long Value { get; } = value;

    public override string TypeName => "integer";

    public override bool IsTrue => Value != 0;
}

/// <summary>A floating-point number.</summary>
internal sealed class FloatValue(double value) : JinjaValue
{
    public double Value { get; } = value;

    public override string TypeName => "float";

    public override bool IsTrue => Value != 0 && !double.IsNaN(Value);
}

/// <summary>A string. Its length and its single characters are UTF-16 code units; slices and iteration keep surrogate pairs whole.</summary>
internal sealed class StringValue(string text) : JinjaValue
{
    public static readonly StringValue Empty = new(string.Empty);

    public string Text { get; } = text;

    public override string TypeName => "string";

    public override bool IsTrue => Text.Length > 0;
}

/// <summary>A list or a tuple. Two are equal only if they are one and the same.</summary>
internal sealed class ListValue(IReadOnlyList<JinjaValue> items, bool isTuple = false) : JinjaValue
{
    public static readonly ListValue Empty = new([]);

    public IReadOnlyList<JinjaValue> Items { get; } = items;

    public override string TypeName => IsTuple ? "tuple" : "list";

    public bool IsTuple { get; } = isTuple;

    public override bool IsTrue => Items.Count > 0;
}

/// <summary>A dict with string keys, in order of insertion. Two are equal only if they are one and the same.</summary>
/// <param name="entries">The entries. Not changed afterwards.</param>
/// <param name="text">The JSON text it came from, if it stands for that too.</param>
internal sealed class DictValue(OrderedDictionary<string, JinjaValue> entries, string? text = null) : JinjaValue
{
    public OrderedDictionary<string, JinjaValue> Entries { get; } = entries;

    public string? Text { get; } = text;

    public override string TypeName => "dict";

    public override bool IsTrue => Entries.Count > 0;
}

/// <summary>What <c>namespace()</c> makes: attributes that <c>set</c> can change. Belongs to one rendering.</summary>
internal sealed class NamespaceValue(OrderedDictionary<string, JinjaValue> entries) : JinjaValue
{
    public OrderedDictionary<string, JinjaValue> Entries { get; } = entries;

    public override string TypeName => "namespace";

    public override bool IsTrue => true;
}

/// <summary>Something that can be called: a macro, a method, a global function.</summary>
internal sealed class FunctionValue(string name, FunctionBody body) : JinjaValue
{
    public string Name { get; } = name;

    public FunctionBody Body { get; } = body;

    public override string TypeName => "function";

    public override bool IsTrue => true;
}

/// <summary>Runs a function.</summary>
/// <param name="site">Where it is called.</param>
/// <param name="scope">The names its caller sees; a macro sees them too.</param>
/// <param name="arguments">What it is given.</param>
internal delegate JinjaValue FunctionBody(CallSite site, Scope scope, CallArguments arguments);
