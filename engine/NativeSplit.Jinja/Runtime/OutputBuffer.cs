using System.Text;

namespace NativeSplit.Jinja.Runtime;

/// <summary>What has been rendered so far. Blocks whose text becomes a value are cut off its end.</summary>
internal sealed class OutputBuffer(Budget budget)
{
    private readonly StringBuilder _text = new();

    public int Length => _text.Length;

    public void Append(CallSite site, string text)
    {
        if (_text.Length + (long)text.Length > budget.Limits.MaxOutputLength)
        {
            throw site.Limit($"The rendered text is longer than {budget.Limits.MaxOutputLength} characters");
        }

        budget.Scan(site, text.Length);
        _text.Append(text);
    }

    /// <summary>Drops what was appended since the buffer had a length.</summary>
    public void Truncate(int length) => _text.Length = length;

    /// <summary>Cuts off what was appended since the buffer had a length.</summary>
    public StringValue Cut(CallSite site, int length)
    {
        StringValue text = site.Text(_text.ToString(length, _text.Length - length));
        _text.Length = length;
        return text;
    }

    public override string ToString() => _text.ToString();
}
