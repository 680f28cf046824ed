namespace NativeSplit.Cluster.Weights;

/// <summary>Where a weight registry keeps its objects: names to bytes, each object written whole or not at all.</summary>
/// <remarks>
/// It is trusted with nothing: what it gives back is checked, and partitions are encrypted before they come here. Names are of the form
/// <c>folder/name</c>, of lower-case letters, digits, '-' and '.'. What fits files fits an object store: an implementation for one needs a put
/// under a name that is known at the end of the upload only.
/// </remarks>
public interface IWeightStorage
{
    /// <summary>Where it is, for messages.</summary>
    string Location { get; }

    /// <summary>Opens an object for reading from its start.</summary>
    /// <returns>Null when there is none; the caller owns the stream.</returns>
    /// <exception cref="ClusterException"><see cref="ClusterFault.BadRegistry"/>: it can't be opened.</exception>
    Stream? TryOpen(string name);

    /// <summary>Writes an object, replacing one of that name in one step. Once this returns, it survives a loss of power.</summary>
    /// <param name="write">Writes the bytes and returns the object's name. When it throws, nothing is kept.</param>
    /// <returns>The name.</returns>
    /// <exception cref="ClusterException"><see cref="ClusterFault.BadRegistry"/>: it can't be written, for want of room for example.</exception>
    string Write(Func<Stream, string> write);

    /// <summary>Names of all objects in a folder, in ordinal order.</summary>
    /// <exception cref="ClusterException"><see cref="ClusterFault.BadRegistry"/>: it can't be read.</exception>
    IReadOnlyList<string> List(string folder);

    /// <summary>Removes an object, if there is one.</summary>
    /// <exception cref="ClusterException"><see cref="ClusterFault.BadRegistry"/>: it can't be removed.</exception>
    void Remove(string name);
}
