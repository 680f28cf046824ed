namespace NativeSplit.Jinja.Runtime;

/// <summary>One rendering of a template. This part: statements.</summary>
internal sealed partial class Evaluator
{
    private readonly TemplateSource _source;
    private readonly OutputBuffer _output;

    public Evaluator(TemplateSource source, JinjaLimits limits)
    {
        _source = source;
        Budget = new Budget(limits);
        _output = new OutputBuffer(Budget);
    }

    /// <summary>How a statement ended.</summary>
    private enum Flow
    {
        Next,
        Break,
        Continue,
    }

    public Budget Budget { get; }

    public string Render(Block body, Scope scope)
    {
        Run(body, scope);
        return _output.ToString();
    }

    public JinjaException Error(JinjaFault fault, int position, string detail)
    {
        (int line, int column) = _source.Locate(position);
        return new JinjaException(fault, detail, line, column);
    }

    private CallSite At(int position) => new(this, position);

    private Flow Run(Block block, Scope scope)
    {
        foreach (Statement statement in block.Statements)
        {
            Budget.Work(At(statement.Position), 1);
            Flow flow = Run(statement, scope);
            if (flow != Flow.Next)
            {
                return flow;
            }
        }

        return Flow.Next;
    }

    private Flow Run(Statement statement, Scope scope)
    {
        CallSite site = At(statement.Position);
        EnsureStack(site);
        switch (statement)
        {
            case TextStatement text:
                _output.Append(site, text.Text);
                return Flow.Next;
            case PrintStatement print:
                _output.Append(site, Conversions.Print(site, Evaluate(print.Value, scope)));
                return Flow.Next;
            case SetStatement set:
                RunSet(set, scope);
                return Flow.Next;
            case IfStatement choice:
                return Run(Choose(choice, scope), scope);
            case ForStatement loop:
                RunFor(loop, scope);
                return Flow.Next;
            case MacroStatement macro:
                scope.Set(macro.Name, CreateMacro(macro));
                return Flow.Next;
            case CallStatement call:
                _output.Append(site, Conversions.Print(site, RunCallBlock(call, scope)));
                return Flow.Next;
            case FilterStatement filter:
                StringValue operand = Capture(filter.Body, scope, site);
                _output.Append(site, Conversions.Print(site, ApplyFilter(filter.Use, operand, scope)));
                return Flow.Next;
            case BreakStatement:
                return Flow.Break;
            case ContinueStatement:
                return Flow.Continue;
            default:
                throw new InvalidOperationException($"No rule for {statement.GetType().Name}.");
        }
    }

    private Block Choose(IfStatement choice, Scope scope)
    {
        foreach ((Expression condition, Block body) in choice.Branches)
        {
            if (Evaluate(condition, scope).IsTrue)
            {
                return body;
            }
        }

        return choice.Else;
    }

    /// <summary>Runs a block for its text.</summary>
    private StringValue Capture(Block block, Scope scope, CallSite site)
    {
        int start = _output.Length;
        Run(block, scope);
        return _output.Cut(site, start);
    }

    private void RunSet(SetStatement set, Scope scope)
    {
        CallSite site = At(set.Position);
        JinjaValue value = set.Value is null ? Capture(set.Body!, scope, site) : Evaluate(set.Value, scope);
        if (set.Target.Owner is { } owner)
        {
            if (Evaluate(owner, scope) is not NamespaceValue names)
            {
                throw site.Fail($"'{set.Target.Attribute}' can be set only on a namespace");
            }

            Budget.AllocateItems(site, 1);
            names.Entries[set.Target.Attribute!] = value;
            return;
        }

        Assign(site, scope, set.Target.Names, set.Target.IsUnpacked, value);
    }

    private static void Assign(CallSite site, Scope scope, IReadOnlyList<string> names, bool isUnpacked, JinjaValue value)
    {
        if (!isUnpacked)
        {
            scope.Set(names[0], value);
            return;
        }

        IReadOnlyList<JinjaValue> items = Unpack(site, names, value);
        for (int i = 0; i < names.Count; i++)
        {
            scope.Set(names[i], items[i]);
        }
    }

    private static IReadOnlyList<JinjaValue> Unpack(CallSite site, IReadOnlyList<string> names, JinjaValue value)
    {
        if (value is not ListValue list)
        {
            throw site.Fail($"A {value.TypeName} can't be unpacked into {names.Count} names");
        }

        return list.Items.Count == names.Count
            ? list.Items
            : throw site.Fail($"{list.Items.Count} values can't be unpacked into {names.Count} names");
    }

    /// <remarks>
    /// As in the reference, the loop has one scope for all iterations, and what an iteration printed before <c>break</c> or
    /// <c>continue</c> is dropped; <c>else</c> runs if no iteration came to its end.
    /// </remarks>
    private void RunFor(ForStatement loop, Scope outer)
    {
        CallSite site = At(loop.Position);
        Scope scope = new(outer);
        IReadOnlyList<JinjaValue> items = SelectItems(loop, Conversions.Iterate(site, Evaluate(loop.Items, scope)), scope);
        bool completed = false;
        for (int i = 0; i < items.Count; i++)
        {
            Budget.Iterate(site);
            scope.Set("loop", CreateLoop(items, i));
            Assign(site, scope, loop.Names, loop.IsUnpacked, items[i]);
            int start = _output.Length;
            Flow flow = Run(loop.Body, scope);
            if (flow == Flow.Next)
            {
                completed = true;
                continue;
            }

            _output.Truncate(start);
            if (flow == Flow.Break)
            {
                break;
            }
        }

        if (!completed)
        {
            Run(loop.Else, scope);
        }
    }

    private IReadOnlyList<JinjaValue> SelectItems(ForStatement loop, IReadOnlyList<JinjaValue> items, Scope outer)
    {
        CallSite site = At(loop.Position);
        if (loop.Condition is null && !loop.IsUnpacked)
        {
            return items;
        }

        List<JinjaValue> selected = [];
        foreach (JinjaValue item in items)
        {
            Budget.Iterate(site);
            if (loop.IsUnpacked)
            {
                Unpack(site, loop.Names, item);
            }

            if (loop.Condition is not null)
            {
                Scope scope = new(outer);
                Assign(site, scope, loop.Names, loop.IsUnpacked, item);
                if (!Evaluate(loop.Condition, scope).IsTrue)
                {
                    continue;
                }
            }

            selected.Add(item);
        }

        return selected;
    }

    private static DictValue CreateLoop(IReadOnlyList<JinjaValue> items, int i) => new(new OrderedDictionary<string, JinjaValue>(9)
    {
        ["index"] = new IntegerValue(i + 1),
        ["index0"] = new IntegerValue(i),
        ["revindex"] = new IntegerValue(items.Count - i),
        ["revindex0"] = new IntegerValue(items.Count - i - 1),
        ["first"] = BooleanValue.Of(i == 0),
        ["last"] = BooleanValue.Of(i == items.Count - 1),
        ["length"] = new IntegerValue(items.Count),
        ["previtem"] = i > 0 ? items[i - 1] : UndefinedValue.Instance,
        ["nextitem"] = i < items.Count - 1 ? items[i + 1] : UndefinedValue.Instance,
    });
}
