namespace NativeSplit.Jinja.Runtime;

/// <summary>One rendering of a template. This part: macros and call blocks.</summary>
internal sealed partial class Evaluator
{
    /// <summary>A macro runs over the scope of its caller, as in the reference, so it sees the names there.</summary>
    private static FunctionValue CreateMacro(MacroStatement macro) => new(
        macro.Name,
        (site, caller, arguments) => site.Evaluator.RunMacro(site, macro.Name, macro.Signature, macro.Body, arguments, caller));

    private JinjaValue RunCallBlock(CallStatement call, Scope scope)
    {
        CallSite site = At(call.Position);
        CallArguments arguments = EvaluateArguments(call.Arguments, scope);
        if (scope.Get(call.Macro) is not FunctionValue macro)
        {
            throw site.Fail($"'{call.Macro}' is {scope.Get(call.Macro).TypeName} and can't be called");
        }

        FunctionValue caller = new(
            "caller",
            (callerSite, _, given) => callerSite.Evaluator.RunMacro(callerSite, "caller", call.Signature, call.Body, given, scope));
        Scope inner = new(scope);
        inner.Set("caller", caller);
        return macro.Body(site, inner, arguments);
    }

    private StringValue RunMacro(
        CallSite site, string name, MacroSignature signature, Block body, CallArguments arguments, Scope around)
    {
        Budget.EnterCall(site);
        Scope scope = new(around);
        Bind(site, name, signature, arguments, scope);
        StringValue text = Capture(body, scope, site);
        Budget.LeaveCall();
        return text;
    }

    /// <summary>Every parameter has a value, if only undefined, before the first default is evaluated.</summary>
    private void Bind(CallSite site, string name, MacroSignature signature, CallArguments arguments, Scope scope)
    {
        OrderedDictionary<string, JinjaValue> named = arguments.Named is null ? [] : new(arguments.Named);
        List<(string Name, Expression Default)> pending = [];
        for (int i = 0; i < signature.Parameters.Count; i++)
        {
            (string parameter, Expression? fallback) = signature.Parameters[i];
            JinjaValue? value = i < arguments.Positional.Count ? arguments.Positional[i] : null;
            if (value is null && named.Remove(parameter, out JinjaValue? given))
            {
                value = given;
            }

            if (value is null && fallback is not null)
            {
                pending.Add((parameter, fallback));
            }

            scope.Set(parameter, value ?? UndefinedValue.Instance);
        }

        BindRest(site, name, signature, arguments, named, scope);
        foreach ((string parameter, Expression fallback) in pending)
        {
            scope.Set(parameter, Evaluate(fallback, scope));
        }
    }

    private static void BindRest(
        CallSite site, string name, MacroSignature signature, CallArguments arguments, OrderedDictionary<string, JinjaValue> named, Scope scope)
    {
        if (signature.TakesKwargs)
        {
            scope.Set("kwargs", new DictValue(named));
        }
        else if (named.Count > 0)
        {
            throw site.Fail($"The macro '{name}' takes no argument '{named.GetAt(0).Key}'");
        }

        if (signature.TakesVarargs)
        {
            scope.Set("varargs", site.List([.. arguments.Positional.Skip(signature.Parameters.Count)]));
        }
        else if (arguments.Positional.Count > signature.Parameters.Count)
        {
            throw site.Fail($"The macro '{name}' takes {signature.Parameters.Count} arguments, not {arguments.Positional.Count}");
        }
    }
}
