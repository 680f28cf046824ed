namespace NativeSplit.Transport.Links;

/// <summary>Whether a link still lives. The first end wins and stays: every later operation reports that one.</summary>
/// <param name="peer">Identity of the peer, for messages.</param>
/// <param name="onEnd">Called once, by the caller of the first <see cref="End"/>; closes the sockets.</param>
internal sealed class LinkState(string peer, Action onEnd)
{
    private LinkException? _end;
    private volatile bool _peerLeaves;

    /// <summary>Identity of the peer.</summary>
    public string Peer => peer;

    /// <summary>Whether the link has ended.</summary>
    public bool HasEnded => Volatile.Read(ref _end) is not null;

    /// <summary>The peer said goodbye or its control connection ended: what is on its way may still be received, nothing can be sent.</summary>
    public void PeerLeaves() => _peerLeaves = true;

    /// <summary>Ends the link, unless it has ended before, and returns what the caller throws.</summary>
    /// <param name="fault">Why.</param>
    /// <param name="message">What happened and how to mend it.</param>
    /// <param name="inner">Cause.</param>
    public LinkException End(LinkFault fault, string message, Exception? inner = null)
    {
        if (Interlocked.CompareExchange(ref _end, new LinkException(fault, message, inner), null) is null)
        {
            onEnd();
        }

        return Error();
    }

    /// <summary>Ends the link because a socket failed under it.</summary>
    /// <param name="inner">What the socket reported.</param>
    public LinkException EndBySocket(Exception inner) =>
        End(LinkFault.Closed, $"The connection to {peer} broke: {inner.Message} Open a new link when the peer is back.", inner);

    /// <summary>
    /// A send failed under its frame: nothing more can be sent, but what the peer had sent before, its goodbye perhaps, can still be
    /// received.
    /// </summary>
    /// <param name="inner">What the socket reported.</param>
    public LinkException SendFailed(Exception inner)
    {
        _peerLeaves = true;
        return HasEnded
            ? Error()
            : new LinkException(LinkFault.Closed, $"The connection to {peer} broke: {inner.Message} Open a new link when the peer is back.", inner);
    }

    /// <summary>Throws when the link has ended.</summary>
    public void ThrowIfEnded()
    {
        if (HasEnded)
        {
            throw Error();
        }
    }

    /// <summary>Throws when nothing can be sent any more.</summary>
    public void ThrowIfNotSendable()
    {
        ThrowIfEnded();
        if (_peerLeaves)
        {
            throw new LinkException(LinkFault.Closed, $"{peer} has closed the link. Open a new one when the peer is back.");
        }
    }

    // A new exception for each thrower: a shared one would mix their stack traces.
    private LinkException Error()
    {
        LinkException end = Volatile.Read(ref _end)!;
        return new LinkException(end.Fault, end.Message, end);
    }
}
