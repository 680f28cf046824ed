namespace NativeSplit.Kernels.Ilgpu;

/// <summary>Why a device can't be used, or failed.</summary>
public enum DeviceFault
{
    /// <summary>The driver's library isn't installed, or offers no device.</summary>
    NoDriver,

    /// <summary>The driver is there, but not a device of that number, or the device can't run the kernels.</summary>
    NoSuchDevice,

    /// <summary>The device's memory, or the part of it that may be used, is too small.</summary>
    OutOfMemory,

    /// <summary>No kernel for a weight type.</summary>
    UnsupportedType,

    /// <summary>A size of the model that the kernels can't take.</summary>
    UnsupportedShape,

    /// <summary>The driver refused a kernel, a launch or a transfer, or the device was lost.</summary>
    Failed,
}

/// <summary>A device can't be used, or failed. The message says what, where, and how to mend it.</summary>
public sealed class DeviceException : Exception
{
    /// <summary>Makes the exception.</summary>
    /// <param name="fault">Why.</param>
    /// <param name="message">What, where, and how to mend it.</param>
    /// <param name="inner">The driver's own words, if there are any.</param>
    public DeviceException(DeviceFault fault, string message, Exception? inner = null)
        : base(message, inner) => Fault = fault;

    /// <summary>Why.</summary>
    public DeviceFault Fault { get; }
}
