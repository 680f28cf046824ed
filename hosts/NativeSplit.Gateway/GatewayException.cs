namespace NativeSplit.Gateway;

/// <summary>Why the gateway can't run.</summary>
public enum GatewayFault
{
    /// <summary>Another process listens on the port.</summary>
    PortInUse,

    /// <summary>The address isn't one of this machine, or the port needs rights the process lacks.</summary>
    AddressUnavailable,

    /// <summary>An option is out of its range, or no model or two models of one name are served.</summary>
    InvalidOptions,
}

/// <summary>The gateway can't run. The message says what, where, and how to mend it.</summary>
public sealed class GatewayException : Exception
{
    /// <summary>Makes the exception.</summary>
    /// <param name="fault">Why.</param>
    /// <param name="message">What, where, and how to mend it.</param>
    /// <param name="inner">The cause, if another exception told of it.</param>
    public GatewayException(GatewayFault fault, string message, Exception? inner = null)
        : base(message, inner) => Fault = fault;

    /// <summary>Why the gateway can't run.</summary>
    public GatewayFault Fault { get; }
}
