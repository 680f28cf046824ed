using System.Net.Sockets;
using System.Security.Authentication;
using NativeSplit.Transport.Links;

namespace NativeSplit.Transport.Handshakes;

/// <summary>What the failures of a handshake mean.</summary>
internal static class Wire
{
    /// <summary>Whether an exception is how a handshake with a bad or vanished peer ends.</summary>
    public static bool IsExpected(Exception exception) =>
        exception is LinkException or AuthenticationException or IOException or SocketException or ObjectDisposedException
            or OperationCanceledException or InvalidOperationException or System.Security.Cryptography.CryptographicException;

    /// <summary>The fault that an exception of a handshake stands for.</summary>
    public static LinkFault FaultOf(Exception exception) => exception switch
    {
        LinkException link => link.Fault,
        OperationCanceledException => LinkFault.TimedOut,
        AuthenticationException or System.Security.Cryptography.CryptographicException => LinkFault.AuthenticationFailed,
        _ => LinkFault.Closed,
    };
}
