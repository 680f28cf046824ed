namespace NativeSplit.Fuzz;

/// <summary>Changes inputs at random, the way fuzzers do: bits, bytes, telling numbers, pieces cut, doubled, or taken from another input.</summary>
/// <param name="seed">The same seed gives the same inputs.</param>
internal sealed class Mutator(int seed)
{
    private const int MaxBytes = 8 << 10;

    private static readonly ulong[] Telling = [0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 1 << 20, 0x7FFF_FFFF, 0x8000_0000, 0xFFFF_FFFF, 1UL << 50, long.MaxValue, 1UL << 63, ulong.MaxValue];

    private readonly Random _random = new(seed);
    private readonly byte[] _buffer = new byte[MaxBytes];
    private int _length;

    /// <summary>Makes an input out of a pool.</summary>
    /// <param name="pool">Good inputs.</param>
    /// <returns>The input; valid until the next call.</returns>
    public ReadOnlySpan<byte> Next(IReadOnlyList<byte[]> pool)
    {
        byte[] start = pool[_random.Next(pool.Count)];
        _length = Math.Min(start.Length, MaxBytes);
        start.AsSpan(0, _length).CopyTo(_buffer);
        for (int changes = _random.Next(1, 6); changes > 0; changes--)
        {
            Change(pool);
        }

        return _buffer.AsSpan(0, _length);
    }

    private void Change(IReadOnlyList<byte[]> pool)
    {
        if (_length == 0)
        {
            _length = _random.Next(1, 100);
            _random.NextBytes(_buffer.AsSpan(0, _length));
            return;
        }

        int at = _random.Next(_length);
        int count = Math.Min(_random.Next(1, 40), _length - at);
        switch (_random.Next(9))
        {
            case 0:
            case 1:
                _buffer[at] ^= (byte)(1 << _random.Next(8));
                break;
            case 2:
                _buffer[at] = (byte)_random.Next(256);
                break;
            case 3:
            case 4:
                Put(at, Telling[_random.Next(Telling.Length)], 1 << _random.Next(4));
                break;
            case 5:
                _buffer.AsSpan(at + count, _length - at - count).CopyTo(_buffer.AsSpan(at));
                _length -= count;
                break;
            case 6:
                Double(at, count);
                break;
            case 7:
                byte[] other = pool[_random.Next(pool.Count)];
                int from = _random.Next(other.Length + 1);
                ReadOnlySpan<byte> piece = other.AsSpan(from, Math.Min(count, other.Length - from));
                piece[..Math.Min(piece.Length, _length - at)].CopyTo(_buffer.AsSpan(at));
                break;
            default:
                _length = _random.Next(4) == 0 ? at : _length;
                break;
        }
    }

    private void Put(int at, ulong value, int bytes)
    {
        for (int i = 0; i < bytes && at + i < _length; i++)
        {
            _buffer[at + i] = (byte)(value >> (8 * i));
        }
    }

    // Doubles the piece that follows, so that lengths no longer fit.
    private void Double(int at, int count)
    {
        count = Math.Min(count, MaxBytes - _length);
        _buffer.AsSpan(at, _length - at).CopyTo(_buffer.AsSpan(at + count));
        _length += count;
    }
}
