namespace NativeSplit.Jinja;

/// <summary>Why a template can't be parsed or rendered.</summary>
public enum JinjaFault
{
    /// <summary>The source isn't Jinja: an unclosed tag, a stray token.</summary>
    Syntax,

    /// <summary>A construct of Jinja outside the supported subset. The message names it.</summary>
    Unsupported,

    /// <summary>The template failed on these values: a wrong type, a call of something undefined.</summary>
    Runtime,

    /// <summary>The template refused the values itself, with <c>raise_exception</c>.</summary>
    Raised,

    /// <summary>A bound of <see cref="JinjaLimits"/> was reached.</summary>
    LimitExceeded,
}

/// <summary>A template can't be parsed or rendered. The message says what and where in the template.</summary>
public sealed class JinjaException : Exception
{
    /// <summary>Makes the exception.</summary>
    /// <param name="fault">Why.</param>
    /// <param name="detail">What, without the place. For <see cref="JinjaFault.Raised"/> the template's own words.</param>
    /// <param name="line">Line of the template, from 1.</param>
    /// <param name="column">Column in that line, from 1, in UTF-16 code units.</param>
    public JinjaException(JinjaFault fault, string detail, int line, int column)
        : base($"{detail} (line {line}, column {column} of the template)")
    {
        Fault = fault;
        Detail = detail;
        Line = line;
        Column = column;
    }

    /// <summary>Why.</summary>
    public JinjaFault Fault { get; }

    /// <summary>What, without the place. For <see cref="JinjaFault.Raised"/> the template's own words.</summary>
    public string Detail { get; }

    /// <summary>Line of the template, from 1.</summary>
    public int Line { get; }

    /// <summary>Column in that line, from 1, in UTF-16 code units.</summary>
    public int Column { get; }
}
