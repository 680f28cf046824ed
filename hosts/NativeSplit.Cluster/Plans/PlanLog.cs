using System.Buffers.Binary;
using System.Numerics;
using NativeSplit.Placement;

namespace NativeSplit.Cluster.Plans;

/// <summary>The file behind <see cref="FilePlanStore"/>: records one after the other, each with its checksum, each on the disk before it counts.</summary>
/// <remarks>
/// Head: <c>NSPL</c>, version 1, 3 zeros. Record, little-endian: length of the body u32, CRC-32C of that u32, CRC-32C of the body u32, body: kind u8
/// (1 term begun, 2 plan), term u64, epoch u64, signed plan. A last record that isn't whole is what a power cut leaves, and is cut off: it never
/// counted.
/// </remarks>
internal sealed class PlanLog : IDisposable
{
    /// <summary>Above this size, only the latest plans are kept when the log is opened.</summary>
    private const int CompactAbove = 1 << 20;
    private const int KeptByCompaction = 16;
    private const int MaxFileBytes = 256 << 20;
    private const int HeadBytes = 8;
    private const int RecordHead = 12;
    private const int BodyHead = 17;
    private const byte TermKind = 1;
    private const byte PlanKind = 2;
    private static readonly byte[] Head = [.. "NSPL"u8, 1, 0, 0, 0];

    private readonly FileStream _file;
    private readonly string _path;

    private PlanLog(FileStream file, string path, Content content)
    {
        (_file, _path, Term, Latest) = (file, path, content.Term, content.Plans.Count == 0 ? null : content.Plans[^1]);
    }

    /// <summary>The term begun last.</summary>
    public ulong Term { get; private set; }

    /// <summary>The plan added last.</summary>
    public StoredPlan? Latest { get; private set; }

    /// <summary>Opens the log to add to it; the caller holds the lock.</summary>
    /// <exception cref="ClusterException">It is damaged, or can't be written.</exception>
    public static PlanLog Open(string path) => Guard(path, () =>
    {
        byte[] bytes = File.Exists(path) ? ReadAll(path) : [];
        Content content = Parse(bytes, path);
        if (bytes.Length > CompactAbove)
        {
            Rewrite(path, content);
            content = Parse(ReadAll(path), path);
        }

        var file = new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.Read, bufferSize: 0);
        try
        {
            if (content.WholeBytes == 0)
            {
                file.SetLength(0);
                file.Write(Head);
            }
            else
            {
                file.SetLength(content.WholeBytes);
                file.Position = content.WholeBytes;
            }

            return new PlanLog(file, path, content);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    });

    /// <summary>The plans in the file, oldest first; a last record that isn't whole is passed over, for its writer may be at it.</summary>
    /// <exception cref="ClusterException">It is damaged, or can't be read.</exception>
    public static IReadOnlyList<StoredPlan> Read(string path) => Guard(path, () => File.Exists(path) ? Parse(ReadAll(path), path).Plans : []);

    /// <summary>The last plan in the file; null when there is none.</summary>
    /// <exception cref="ClusterException">It is damaged, or can't be read.</exception>
    public static StoredPlan? ReadLatest(string path) => Read(path) is { Count: > 0 } plans ? plans[^1] : null;

    /// <summary>Begins the next term.</summary>
    /// <exception cref="ClusterException">It can't be written.</exception>
    public ulong BeginTerm()
    {
        ulong next = Term + 1;
        Write(RecordOf(TermKind, next, 0, []));
        return Term = next;
    }

    /// <summary>Adds a plan.</summary>
    /// <exception cref="ClusterException">It can't be written; the file is as it was.</exception>
    public void Append(StoredPlan plan)
    {
        Write(RecordOf(PlanKind, plan.Term, plan.Epoch.Value, plan.Signed.Span));
        Latest = plan;
    }

    public void Dispose() => _file.Dispose();

    private void Write(byte[] record)
    {
        long start = _file.Position;
        try
        {
            _file.Write(record);
            _file.Flush(flushToDisk: true);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // A record that is there in part would stand before the next one and make the log look damaged.
            Restore(start);
            throw new ClusterException(ClusterFault.PlanStoreUnavailable, $"{_path} can't be written: {e.Message} Make room there; what serves goes on, and the plan is tried again.", e);
        }
    }

    private void Restore(long length)
    {
        try
        {
            _file.SetLength(length);
            _file.Position = length;
        }
        catch (IOException)
        {
            // The next write starts at the same place; a log that stays torn is mended when it is opened.
            _file.Position = length;
        }
    }

    private static void Rewrite(string path, Content content)
    {
        string draft = path + ".new";
        using (var file = new FileStream(draft, FileMode.Create, FileAccess.Write))
        {
            file.Write(Head);
            file.Write(RecordOf(TermKind, content.Term, 0, []));
            foreach (StoredPlan plan in content.Plans.TakeLast(KeptByCompaction))
            {
                file.Write(RecordOf(PlanKind, plan.Term, plan.Epoch.Value, plan.Signed.Span));
            }

            file.Flush(flushToDisk: true);
        }

        File.Move(draft, path, overwrite: true);
    }

    private static byte[] ReadAll(string path)
    {
        using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        if (file.Length > MaxFileBytes)
        {
            throw Damaged(path, $"it has {file.Length} bytes, more than any log");
        }

        byte[] bytes = new byte[file.Length];
        file.ReadExactly(bytes);
        return bytes;
    }

    private static Content Parse(ReadOnlySpan<byte> bytes, string path)
    {
        if (bytes.Length < HeadBytes)
        {
            return Head.AsSpan().StartsWith(bytes) ? new Content(0, [], 0) : throw Damaged(path, "it doesn't begin like one");
        }

        if (!bytes.StartsWith(Head))
        {
            throw Damaged(path, "it doesn't begin like one");
        }

        List<StoredPlan> plans = [];
        ulong term = 0;
        int at = HeadBytes;
        while (bytes.Length - at >= RecordHead)
        {
            uint length = BinaryPrimitives.ReadUInt32LittleEndian(bytes[at..]);
            uint sum = BinaryPrimitives.ReadUInt32LittleEndian(bytes[(at + 8)..]);
            if (SumOf(bytes.Slice(at, 4)) != BinaryPrimitives.ReadUInt32LittleEndian(bytes[(at + 4)..]))
            {
                // A disk that lost power may leave zeros for what was never written.
                if (bytes[at..].IndexOfAnyExcept((byte)0) < 0)
                {
                    break;
                }

                throw Damaged(path, $"the record at byte {at} isn't what was written");
            }

            if (length > bytes.Length - at - RecordHead)
            {
                break;
            }

            ReadOnlySpan<byte> body = bytes.Slice(at + RecordHead, (int)length);
            if (length < BodyHead || SumOf(body) != sum)
            {
                if (at + RecordHead + length == bytes.Length)
                {
                    break;
                }

                throw Damaged(path, $"the record at byte {at} isn't what was written");
            }

            ulong recordTerm = BinaryPrimitives.ReadUInt64LittleEndian(body[1..]);
            var epoch = new PlanEpoch(BinaryPrimitives.ReadUInt64LittleEndian(body[9..]));
            if (body[0] is not (TermKind or PlanKind) || recordTerm < term || (body[0] == PlanKind && plans.Count > 0 && epoch <= plans[^1].Epoch))
            {
                throw Damaged(path, $"the record at byte {at} doesn't follow those before it");
            }

            term = recordTerm;
            if (body[0] == PlanKind)
            {
                plans.Add(new StoredPlan(recordTerm, epoch, body[BodyHead..].ToArray()));
            }

            at += RecordHead + (int)length;
        }

        return new Content(term, plans, at);
    }

    private static byte[] RecordOf(byte kind, ulong term, ulong epoch, ReadOnlySpan<byte> signed)
    {
        byte[] record = new byte[RecordHead + BodyHead + signed.Length];
        Span<byte> body = record.AsSpan(RecordHead);
        body[0] = kind;
        BinaryPrimitives.WriteUInt64LittleEndian(body[1..], term);
        BinaryPrimitives.WriteUInt64LittleEndian(body[9..], epoch);
        signed.CopyTo(body[BodyHead..]);
        BinaryPrimitives.WriteUInt32LittleEndian(record, (uint)body.Length);
        BinaryPrimitives.WriteUInt32LittleEndian(record.AsSpan(4), SumOf(record.AsSpan(0, 4)));
        BinaryPrimitives.WriteUInt32LittleEndian(record.AsSpan(8), SumOf(body));
        return record;
    }

    /// <summary>CRC-32C (RFC 3720, appendix B.4).</summary>
    private static uint SumOf(ReadOnlySpan<byte> bytes)
    {
        uint sum = uint.MaxValue;
        foreach (byte b in bytes)
        {
            sum = BitOperations.Crc32C(sum, b);
        }

        return ~sum;
    }

    private static T Guard<T>(string path, Func<T> act)
    {
        try
        {
            return act();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new ClusterException(ClusterFault.PlanStoreUnavailable, $"{path} can't be used: {e.Message} Make room there and let this user write, or choose another folder with --data.", e);
        }
    }

    private static ClusterException Damaged(string path, string why) => new(
        ClusterFault.BadPlanStore,
        $"The plan log {path} is damaged: {why}. Put it back from a copy. Or remove it, and plan.json in the --data folder of every worker, which would refuse plans that begin at 1 again.");

    private sealed record Content(ulong Term, List<StoredPlan> Plans, long WholeBytes);
}
