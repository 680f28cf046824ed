namespace NativeSplit.Kernels.Ilgpu;

/// <summary>What is known of a device before it is opened.</summary>
public sealed record DeviceInfo
{
    /// <summary>Its name on the command line.</summary>
    public required DeviceId Id { get; init; }

    /// <summary>Its name as the driver gives it.</summary>
    public required string Name { get; init; }

    /// <summary>Driver or platform, with what it can do: <c>sm_90</c>, or the OpenCL version.</summary>
    public required string Driver { get; init; }

    /// <summary>Bytes of memory.</summary>
    public required long MemoryBytes { get; init; }

    /// <summary>Processors that run groups of threads.</summary>
    public required int Multiprocessors { get; init; }

    /// <summary>Threads of a group at most.</summary>
    public required int MaxGroupThreads { get; init; }

    /// <summary>Bytes that a group shares at most.</summary>
    public required int SharedBytesPerGroup { get; init; }

    /// <summary>Why the kernels can't run on it, or null when they can.</summary>
    public string? Obstacle { get; init; }
}

/// <summary>What a driver offers.</summary>
/// <param name="Kind">The driver.</param>
/// <param name="Devices">Its devices, in the order of their numbers.</param>
/// <param name="Problem">Why there is none, or null.</param>
public sealed record DriverInfo(DeviceKind Kind, IReadOnlyList<DeviceInfo> Devices, string? Problem);
