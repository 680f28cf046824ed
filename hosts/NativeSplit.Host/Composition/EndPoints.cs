using System.Globalization;
using System.Net;

namespace NativeSplit.Host.Composition;

/// <summary>Reads HOST:PORT from a command line.</summary>
internal static class EndPoints
{
    /// <summary>An address to listen at: an IP address and a port, 0 for any free one.</summary>
    public static IPEndPoint ToListenAt(string text, string option) =>
        IPEndPoint.TryParse(text, out IPEndPoint? endPoint) && HasPort(text)
            ? endPoint
            : throw new UsageException($"{option} '{text}' isn't ADDRESS:PORT, for example 127.0.0.1:8080 or 0.0.0.0:7500 (port 0: any free one).");

    /// <summary>An address to connect to: a host name or IP address and a port.</summary>
    public static EndPoint ToConnectTo(string text, string option)
    {
        if (IPEndPoint.TryParse(text, out IPEndPoint? address) && address.Port > 0)
        {
            return address;
        }

        int colon = text.LastIndexOf(':');
        return colon > 0 && ushort.TryParse(text.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out ushort port) && port > 0
            && Uri.CheckHostName(text[..colon]) == UriHostNameType.Dns
            ? new DnsEndPoint(text[..colon], port)
            : throw new UsageException($"{option} '{text}' isn't HOST:PORT, for example edge-1:7500.");
    }

    private static bool HasPort(string text) => text.LastIndexOf(':') is int colon and >= 0 && colon > text.LastIndexOf(']') && text.Length > colon + 1
        && (text.Contains(']', StringComparison.Ordinal) || text.IndexOf(':', StringComparison.Ordinal) == colon);
}
