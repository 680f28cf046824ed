namespace NativeSplit.Jinja.Runtime;

/// <summary>Names and their values, over those of the scope around it.</summary>
internal sealed class Scope(Scope? parent)
{
    private readonly Dictionary<string, JinjaValue> _values = new(StringComparer.Ordinal);

    /// <summary>Sets a name here, whatever it means further out.</summary>
    public void Set(string name, JinjaValue value) => _values[name] = value;

    /// <summary>The value of a name; undefined if no scope has it.</summary>
    public JinjaValue Get(string name)
    {
        for (Scope? scope = this; scope is not null; scope = scope.Parent)
        {
            if (scope._values.TryGetValue(name, out JinjaValue? value))
            {
                return value;
            }
        }

        return UndefinedValue.Instance;
    }

    private Scope? Parent { get; } = parent;
}
