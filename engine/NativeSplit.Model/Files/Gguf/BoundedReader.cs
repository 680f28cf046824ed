using System.Buffers;
using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using System.Text.Unicode;

namespace NativeSplit.Model.Files.Gguf;

/// <summary>Reads little-endian values from a file's directory and judges every length against what is left before it allocates.</summary>
/// <remarks>For one thread. The stream is lent. When a hash is given, it takes in everything read, in large pieces.</remarks>
internal sealed class BoundedReader
{
    /// <summary>Bytes of a directory at most. Vocabularies of half a million tokens take about 20 MiB.</summary>
    public const long MaximumDirectoryBytes = 128L << 20;

    /// <summary>Bytes of one string at most. The longest chat templates take some 100 KiB.</summary>
    public const int MaximumStringBytes = 16 << 20;

    /// <summary>Bytes of a name at most, as the specification has it.</summary>
    public const int MaximumNameBytes = 65535;

    private static readonly UTF8Encoding Strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    private readonly Stream _stream;
    private readonly IncrementalHash? _hash;
    private readonly byte[] _buffer = new byte[32 * 1024];
    private readonly long _end;
    private int _start;
    private int _filled;
    private int _unhashed;

    /// <summary>Starts at the stream's beginning.</summary>
    /// <param name="stream">Seekable stream, at position 0.</param>
    /// <param name="source">File name for messages.</param>
    /// <param name="hash">Takes in every byte read; null for none.</param>
    public BoundedReader(Stream stream, string source, IncrementalHash? hash)
    {
        _stream = stream;
        _hash = hash;
        Source = source;
        Length = stream.Length;
        _end = Math.Min(Length, MaximumDirectoryBytes);
    }

    /// <summary>File name for messages.</summary>
    public string Source { get; }

    /// <summary>Length of the file.</summary>
    public long Length { get; }

    /// <summary>Byte that is read next.</summary>
    public long Position { get; private set; }

    /// <summary>Bytes left in the directory at most.</summary>
    public long Remaining => _end - Position;

    /// <summary>What is being read, for messages: <c>the header</c>, <c>key 'general.name'</c>.</summary>
    public string Subject { get; set; } = "the header";

    /// <summary>Makes the error for a fault at the present position.</summary>
    public ModelException Corrupt(string what) => new(
        ModelFault.Corrupt, $"{Source}: {Subject}, byte {Position}: {what}. The file is damaged; download or convert it again.");

    /// <summary>Judges a count of things to come.</summary>
    /// <param name="count">Count from the file.</param>
    /// <param name="bytesEach">Fewest bytes each takes.</param>
    /// <param name="things">What they are, for the message.</param>
    /// <returns>The count.</returns>
    /// <exception cref="ModelException">So many can't be in the bytes that are left.</exception>
    public int Judge(ulong count, int bytesEach, string things)
    {
        if (count > (ulong)(Remaining / bytesEach))
        {
            throw Corrupt($"{count} {things} of at least {bytesEach} bytes can't be in the {Remaining} bytes left{Cap}");
        }

        return (int)count;
    }

    /// <summary>Lends the next bytes; valid until the next read.</summary>
    /// <param name="count">At most the buffer's length.</param>
    public ReadOnlySpan<byte> Take(int count)
    {
        if (count > Remaining)
        {
            throw Corrupt($"{count} bytes are needed, {Remaining} are left{Cap}");
        }

        if (_filled - _start < count)
        {
            Fill(count);
        }

        ReadOnlySpan<byte> taken = _buffer.AsSpan(_start, count);
        _start += count;
        Position += count;
        return taken;
    }

    /// <summary>Hashes what was read and isn't hashed yet. Call it at the end.</summary>
    public void CompleteHash()
    {
        _hash?.AppendData(_buffer, _unhashed, _start - _unhashed);
        _unhashed = _start;
    }

    public byte ReadByte() => Take(1)[0];

    public ushort ReadUInt16() => BinaryPrimitives.ReadUInt16LittleEndian(Take(2));

    public uint ReadUInt32() => BinaryPrimitives.ReadUInt32LittleEndian(Take(4));

    public ulong ReadUInt64() => BinaryPrimitives.ReadUInt64LittleEndian(Take(8));

    public float ReadSingle() => BinaryPrimitives.ReadSingleLittleEndian(Take(4));

    public double ReadDouble() => BinaryPrimitives.ReadDoubleLittleEndian(Take(8));

    /// <summary>Reads a length and that many bytes of UTF-8; what isn't UTF-8 becomes U+FFFD.</summary>
    public string ReadString()
    {
        int length = ReadLength(MaximumStringBytes);
        ReadOnlySpan<byte> utf8 = TakeAny(length);

        // Encoding.UTF8 allocates for every sequence that it replaces, which damage can multiply. A byte makes one character at most.
        char[] characters = ArrayPool<char>.Shared.Rent(length);
        Utf8.ToUtf16(utf8, characters, out _, out int written);
        string text = new(characters, 0, written);
        ArrayPool<char>.Shared.Return(characters);
        return text;
    }

    /// <summary>Reads the name of a key or tensor: not empty, and UTF-8.</summary>
    public string ReadName()
    {
        int length = ReadLength(MaximumNameBytes);
        if (length == 0)
        {
            throw Corrupt("a name is empty");
        }

        try
        {
            return Strict.GetString(TakeAny(length));
        }
        catch (DecoderFallbackException exception)
        {
            throw new ModelException(ModelFault.Corrupt, Corrupt("a name isn't UTF-8").Message, exception);
        }
    }

    private string Cap => Length > MaximumDirectoryBytes ? $" (a directory has {MaximumDirectoryBytes} bytes at most)" : string.Empty;

    private int ReadLength(int maximum)
    {
        int length = Judge(ReadUInt64(), 1, "characters");
        return length <= maximum ? length : throw Corrupt($"a text of {length} bytes is over the limit of {maximum}");
    }

    private ReadOnlySpan<byte> TakeAny(int length) => length <= _buffer.Length ? Take(length) : TakeLong(length);

    private byte[] TakeLong(int length)
    {
        byte[] bytes = new byte[length];
        for (int done = 0; done < length;)
        {
            int part = Math.Min(length - done, _buffer.Length);
            Take(part).CopyTo(bytes.AsSpan(done));
            done += part;
        }

        return bytes;
    }

    private void Fill(int count)
    {
        CompleteHash();
        _unhashed = 0;
        _buffer.AsSpan(_start, _filled - _start).CopyTo(_buffer);
        _filled -= _start;
        _start = 0;
        while (_filled < count)
        {
            int read = _stream.Read(_buffer, _filled, _buffer.Length - _filled);
            if (read == 0)
            {
                throw Corrupt("the file became shorter while it was read");
            }

            _filled += read;
        }
    }
}
