namespace NativeSplit.Jinja.Syntax;

/// <summary>Builds the tree of a template. This part: tokens and statements.</summary>
internal sealed partial class Parser
{
    private readonly TemplateSource _source;
    private readonly IReadOnlyList<Token> _tokens;
    private readonly JinjaLimits _limits;
    private int _current;
    private int _nesting;
    private int _loops;
    private bool _readsVarargs;
    private bool _readsKwargs;

    private Parser(TemplateSource source, JinjaLimits limits)
    {
        _source = source;
        _limits = limits;
        _tokens = Lexer.Tokenize(source);
    }

    private Token Current => _tokens[_current];

    /// <summary>Parses a prepared source.</summary>
    /// <exception cref="JinjaException">The source isn't in the supported subset, or is nested too deeply.</exception>
    public static Block Parse(TemplateSource source, JinjaLimits limits)
    {
        Parser parser = new(source, limits);
        return parser.ParseBlock(null);
    }

    /// <summary>Parses statements up to a tag that begins with one of the given words, which is left in place.</summary>
    /// <param name="opening">The tag that the block belongs to; null for the whole template.</param>
    /// <param name="closers">Words that end the block.</param>
    private Block ParseBlock(Token? opening, params ReadOnlySpan<string> closers)
    {
        Enter();
        List<Statement> statements = [];
        while (!AtStatement(closers))
        {
            if (Current.Kind == TokenKind.End)
            {
                if (opening is { } tag)
                {
                    throw Error(JinjaFault.Syntax, tag.Position, $"The block '{tag.Value}' isn't closed: '{closers[^1]}' is missing");
                }

                break;
            }

            statements.Add(ParseStatement());
        }

        _nesting--;
        return statements.Count == 0 ? Block.Empty : new Block(statements);
    }

    private Statement ParseStatement()
    {
        Token token = Take();
        switch (token.Kind)
        {
            case TokenKind.Text:
                return new TextStatement(token.Position, token.Value);
            case TokenKind.OpenExpression:
                PrintStatement print = new(token.Position, ParseExpression());
                Expect(TokenKind.CloseExpression, "}}");
                return print;
            case TokenKind.OpenStatement:
                return ParseTag();
            default:
                throw Unexpected(token, "text or a tag");
        }
    }

    private Statement ParseTag()
    {
        Token keyword = ExpectIdentifier("the name of a statement");
        return keyword.Value switch
        {
            "if" => ParseIf(keyword),
            "for" => ParseFor(keyword),
            "set" => ParseSet(keyword),
            "macro" => ParseMacro(keyword),
            "call" => ParseCallBlock(keyword),
            "filter" => ParseFilterBlock(keyword),
            "break" => ParseLoopControl(keyword, new BreakStatement(keyword.Position)),
            "continue" => ParseLoopControl(keyword, new ContinueStatement(keyword.Position)),
            "elif" or "else" or "endif" or "endfor" or "endset" or "endmacro" or "endcall" or "endfilter" =>
                throw Error(JinjaFault.Syntax, keyword.Position, $"'{keyword.Value}' closes no open block"),
            _ => throw Error(JinjaFault.Unsupported, keyword.Position, $"The statement '{keyword.Value}' isn't supported"),
        };
    }

    private IfStatement ParseIf(Token keyword)
    {
        List<(Expression Condition, Block Body)> branches = [];
        Block otherwise = Block.Empty;
        do
        {
            Expression condition = ParseExpression();
            EndTag();
            branches.Add((condition, ParseBlock(keyword, "elif", "else", "endif")));
        }
        while (TakeTag("elif"));

        if (TakeTag("else"))
        {
            EndTag();
            otherwise = ParseBlock(keyword, "endif");
        }

        CloseBlock("endif");
        return new IfStatement(keyword.Position, branches, otherwise);
    }

    private ForStatement ParseFor(Token keyword)
    {
        List<string> names = [];
        bool parenthesised = TakeMark("(");
        bool unpacked = false;
        do
        {
            names.Add(ExpectIdentifier("a loop variable").Value);
            unpacked |= AtMark(",");
        }
        while (TakeMark(",") && !AtMark(")"));

        if (parenthesised)
        {
            ExpectMark(")");
        }

        ExpectWord("in");
        Expression items = ParseExpression();
        Expression? condition = null;
        if (items is ConditionalExpression { Else: null } filtered)
        {
            items = filtered.Then;
            condition = filtered.Condition;
        }

        if (AtWord("recursive"))
        {
            throw Error(JinjaFault.Unsupported, Current.Position, "A 'recursive' loop isn't supported");
        }

        EndTag();
        _loops++;
        Block body = ParseBlock(keyword, "else", "endfor");
        _loops--;
        Block otherwise = Block.Empty;
        if (TakeTag("else"))
        {
            EndTag();
            otherwise = ParseBlock(keyword, "endfor");
        }

        CloseBlock("endfor");
        return new ForStatement(keyword.Position, names, unpacked, items, condition, body, otherwise);
    }

    private Statement ParseLoopControl(Token keyword, Statement statement)
    {
        EndTag();
        return _loops > 0 ? statement : throw Error(JinjaFault.Syntax, keyword.Position, $"'{keyword.Value}' outside a loop");
    }

    private SetStatement ParseSet(Token keyword)
    {
        SetTarget target = ParseSetTarget();
        if (TakeMark("="))
        {
            Expression value = ParseExpressionList();
            EndTag();
            return new SetStatement(keyword.Position, target, value, null);
        }

        EndTag();
        Block body = ParseBlock(keyword, "endset");
        CloseBlock("endset");
        return new SetStatement(keyword.Position, target, null, body);
    }

    private SetTarget ParseSetTarget()
    {
        int position = Current.Position;
        switch (ParseExpressionList())
        {
            case NameExpression name:
                return new SetTarget([name.Name], false, null, null);
            case ListExpression { IsTuple: true } tuple when tuple.Items.All(item => item is NameExpression):
                return new SetTarget([.. tuple.Items.Select(item => ((NameExpression)item).Name)], true, null, null);
            case MemberExpression { IsComputed: false, Key: Literal { Value: StringValue attribute } } member:
                return new SetTarget([], false, member.Target, attribute.Text);
            default:
                throw Error(JinjaFault.Syntax, position, "'set' needs a name, names, or an attribute of a namespace");
        }
    }

    private MacroStatement ParseMacro(Token keyword)
    {
        string name = ExpectIdentifier("the name of the macro").Value;
        IReadOnlyList<(string Name, Expression? Default)> parameters = ParseParameters();
        EndTag();
        (Block body, MacroSignature signature) = ParseMacroBody(keyword, parameters, "endmacro");
        return new MacroStatement(keyword.Position, name, signature, body);
    }

    private CallStatement ParseCallBlock(Token keyword)
    {
        IReadOnlyList<(string Name, Expression? Default)> parameters = AtMark("(") ? ParseParameters() : [];
        string macro = ExpectIdentifier("the name of the macro to call").Value;
        ArgumentList arguments = ParseArguments();
        EndTag();
        (Block body, MacroSignature signature) = ParseMacroBody(keyword, parameters, "endcall");
        return new CallStatement(keyword.Position, macro, arguments, signature, body);
    }

    /// <summary>A macro takes further arguments only if its body reads <c>varargs</c> or <c>kwargs</c>.</summary>
    private (Block Body, MacroSignature Signature) ParseMacroBody(
        Token keyword, IReadOnlyList<(string Name, Expression? Default)> parameters, string closer)
    {
        (bool outerVarargs, bool outerKwargs, int outerLoops) = (_readsVarargs, _readsKwargs, _loops);
        (_readsVarargs, _readsKwargs, _loops) = (false, false, 0);
        Block body = ParseBlock(keyword, closer);
        CloseBlock(closer);
        MacroSignature signature = new(
            parameters,
            _readsVarargs && parameters.All(parameter => parameter.Name != "varargs"),
            _readsKwargs && parameters.All(parameter => parameter.Name != "kwargs"));
        (_readsVarargs, _readsKwargs, _loops) = (outerVarargs || _readsVarargs, outerKwargs || _readsKwargs, outerLoops);
        return (body, signature);
    }

    private FilterStatement ParseFilterBlock(Token keyword)
    {
        FilterUse use = ParseFilterUse();
        EndTag();
        Block body = ParseBlock(keyword, "endfilter");
        CloseBlock("endfilter");
        return new FilterStatement(keyword.Position, use, body);
    }

    private void CloseBlock(string word)
    {
        Expect(TokenKind.OpenStatement, "{%");
        ExpectWord(word);
        EndTag();
    }

    private void EndTag() => Expect(TokenKind.CloseStatement, "%}");

    private bool AtStatement(params ReadOnlySpan<string> words) =>
        Current.Kind == TokenKind.OpenStatement && _tokens[_current + 1].Kind == TokenKind.Identifier && words.Contains(_tokens[_current + 1].Value);

    private bool TakeTag(string word)
    {
        bool at = AtStatement(word);
        _current += at ? 2 : 0;
        return at;
    }

    private bool AtMark(string mark) => Current.Kind == TokenKind.Mark && Current.Value == mark;

    private bool AtWord(string word) => Current.Kind == TokenKind.Identifier && Current.Value == word;

    private bool TakeMark(string mark)
    {
        bool at = AtMark(mark);
        _current += at ? 1 : 0;
        return at;
    }

    private bool TakeWord(string word)
    {
        bool at = AtWord(word);
        _current += at ? 1 : 0;
        return at;
    }

    private Token Take() => Current.Kind == TokenKind.End ? Current : _tokens[_current++];

    private void Expect(TokenKind kind, string what)
    {
        if (Current.Kind != kind)
        {
            throw Unexpected(Current, $"'{what}'");
        }

        _current++;
    }

    private void ExpectMark(string mark)
    {
        if (!TakeMark(mark))
        {
            throw Unexpected(Current, $"'{mark}'");
        }
    }

    private void ExpectWord(string word)
    {
        if (!TakeWord(word))
        {
            throw Unexpected(Current, $"'{word}'");
        }
    }

    private Token ExpectIdentifier(string what) =>
        Current.Kind == TokenKind.Identifier ? Take() : throw Unexpected(Current, what);

    /// <summary>Goes one level deeper; the caller lowers <see cref="_nesting"/> when it is done.</summary>
    private void Enter()
    {
        if (++_nesting > _limits.MaxNesting || !System.Runtime.CompilerServices.RuntimeHelpers.TryEnsureSufficientExecutionStack())
        {
            throw TooDeep(Current.Position);
        }
    }

    private JinjaException TooDeep(int position) =>
        Error(JinjaFault.LimitExceeded, position, $"The template is nested deeper than {_limits.MaxNesting} levels");

    private JinjaException Unexpected(Token token, string expected) =>
        Error(JinjaFault.Syntax, token.Position, $"Expected {expected}, found {token.Describe()}");

    private JinjaException Error(JinjaFault fault, int position, string detail)
    {
        (int line, int column) = _source.Locate(position);
        return new JinjaException(fault, detail, line, column);
    }
}
