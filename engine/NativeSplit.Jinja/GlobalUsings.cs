global using NativeSplit.Jinja.Builtins;
global using NativeSplit.Jinja.Runtime;
global using NativeSplit.Jinja.Syntax;
global using NativeSplit.Jinja.Values;
