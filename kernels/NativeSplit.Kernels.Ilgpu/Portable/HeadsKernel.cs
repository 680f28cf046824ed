using ILGPU;

namespace NativeSplit.Kernels.Ilgpu.Portable;

/// <summary>Sizes of attention. A parameter of kernels, so its fields are laid out as the device reads them.</summary>
internal struct HeadsShape
{
    /// <summary>Query heads.</summary>
    public int Heads;

    /// <summary>Key and value heads.</summary>
    public int KeyValueHeads;

    /// <summary>Elements of a head.</summary>
    public int HeadSize;

    /// <summary>Rotated pairs of a head.</summary>
    public int Pairs;

    /// <summary>1 when pairs are (2i, 2i + 1), 0 when they are (i, i + pairs).</summary>
    public int Interleaved;

    /// <summary>1 when queries have a norm per head.</summary>
    public int HasQueryNorm;

    /// <summary>1 when keys have a norm per head.</summary>
    public int HasKeyNorm;

    /// <summary>Rows of the batch.</summary>
    public int Rows;

    /// <summary>Word where the batch table starts.</summary>
    public int TableStart;

    /// <summary>Epsilon of the norms.</summary>
    public float Epsilon;

    /// <summary>Multiplies every score.</summary>
    public float Scale;
}

/// <summary>Makes queries and keys ready for attention, and appends keys and values to the cache. One group per (head, row); grid [heads + kvHeads, rows].</summary>
internal static class HeadsKernel
{
    /// <summary>Norm per head where the model has one, rotary embedding (Su et al. 2021, eq. 34), append.</summary>
    /// <param name="query">Shape [rows, heads, headSize]; in place.</param>
    /// <param name="key">Shape [rows, kvHeads, headSize].</param>
    /// <param name="value">Shape [rows, kvHeads, headSize].</param>
    /// <param name="queryGain">Shape [headSize], read when there is a norm.</param>
    /// <param name="keyGain">Shape [headSize], read when there is a norm.</param>
    /// <param name="cosines">Shape [positions, pairs].</param>
    /// <param name="sines">Shape [positions, pairs].</param>
    /// <param name="table">From <see cref="HeadsShape.TableStart"/>: positions [rows], where in the table each row's list of pages starts [rows], the lists.</param>
    /// <param name="cache">One layer: [pages, 2 (keys, values), kvHeads, 32, headSize].</param>
    /// <param name="shape">Sizes.</param>
    public static void Run(ArrayView<float> query, ArrayView<float> key, ArrayView<float> value, ArrayView<float> queryGain, ArrayView<float> keyGain, ArrayView<float> cosines, ArrayView<float> sines, ArrayView<int> table, ArrayView<float> cache, HeadsShape shape)
    {
        ArrayView<float> shared = SharedMemory.Allocate<float>(KernelLayout.GroupSize);
        ArrayView<float> head = SharedMemory.Allocate<float>(KernelLayout.MaxHeadSize);
        int thread = Group.IdxX;
        int row = Grid.IdxY;
        bool isQuery = Grid.IdxX < shape.Heads;
        int number = isQuery ? Grid.IdxX : Grid.IdxX - shape.Heads;
        int source = isQuery ? ((row * shape.Heads) + number) * shape.HeadSize : ((row * shape.KeyValueHeads) + number) * shape.HeadSize;
        int position = table[shape.TableStart + row];

        float squares = 0f;
        for (int i = thread; i < shape.HeadSize; i += KernelLayout.GroupSize)
        {
            float element = isQuery ? query[source + i] : key[source + i];
            head[i] = element;
            squares += element * element;
        }

        // Every thread must meet the barriers inside, whether or not there is a norm; they also make the head visible to all.
        float mean = Reduction.Sum(shared, thread, squares) / shape.HeadSize;
        if ((isQuery ? shape.HasQueryNorm : shape.HasKeyNorm) != 0)
        {
            float inverse = 1f / MathF.Sqrt(mean + shape.Epsilon);
            for (int i = thread; i < shape.HeadSize; i += KernelLayout.GroupSize)
            {
                head[i] = head[i] * inverse * (isQuery ? queryGain[i] : keyGain[i]);
            }
        }

        Group.Barrier();
        int list = shape.TableStart + table[shape.TableStart + shape.Rows + row];
        int page = table[list + (position / KernelLayout.PagePositions)];
        int run = KernelLayout.PagePositions * shape.HeadSize;
        int keys = (((page * 2 * shape.KeyValueHeads) + number) * run) + (position % KernelLayout.PagePositions * shape.HeadSize);
        for (int i = thread; i < shape.HeadSize; i += KernelLayout.GroupSize)
        {
            float element = Rotated(head, i, cosines, sines, position * shape.Pairs, shape);
            if (isQuery)
            {
                query[source + i] = element;
            }
            else
            {
                cache[keys + i] = element;
                cache[keys + (shape.KeyValueHeads * run) + i] = value[source + i];
            }
        }
    }

    private static float Rotated(ArrayView<float> head, int index, ArrayView<float> cosines, ArrayView<float> sines, int row, HeadsShape shape)
    {
        if (index >= 2 * shape.Pairs)
        {
            return head[index];
        }

        bool second = shape.Interleaved != 0 ? (index & 1) != 0 : index >= shape.Pairs;
        int pair = shape.Interleaved != 0 ? index / 2 : second ? index - shape.Pairs : index;
        int distance = shape.Interleaved != 0 ? 1 : shape.Pairs;
        float cosine = cosines[row + pair];
        float sine = sines[row + pair];
        return second
            ? (head[index - distance] * sine) + (head[index] * cosine)
            : (head[index] * cosine) - (head[index + distance] * sine);
    }
}
