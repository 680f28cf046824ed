using ILGPU;

namespace NativeSplit.Kernels.Ilgpu.Portable;

/// <summary>Grouped-query attention over the paged cache with an online softmax. One group per (query head, row); grid [heads, rows].</summary>
/// <remarks>
/// Milakov and Gimelshein 2018, algorithm 3, in tiles of 64 positions from 0: the tiles are cut by position alone, so a row's bits
/// don't depend on the batch. Query head h reads key and value head <c>h / (heads / kvHeads)</c> (Ainslie et al. 2023).
/// </remarks>
internal static class AttendKernel
{
    private const float Lowest = float.MinValue;

    /// <summary>Attends from every row to its sequence's positions up to its own.</summary>
    /// <param name="query">Shape [rows, heads, headSize].</param>
    /// <param name="table">As <see cref="HeadsKernel.Run"/> takes it.</param>
    /// <param name="cache">One layer: [pages, 2 (keys, values), kvHeads, 32, headSize].</param>
    /// <param name="output">Shape [rows, heads, headSize]; apart from <paramref name="query"/>.</param>
    /// <param name="shape">Sizes.</param>
    public static void Run(ArrayView<float> query, ArrayView<int> table, ArrayView<float> cache, ArrayView<float> output, HeadsShape shape)
    {
        const int G = KernelLayout.GroupSize;
        ArrayView<float> maxima = SharedMemory.Allocate<float>(G);
        ArrayView<float> sums = SharedMemory.Allocate<float>(G);
        ArrayView<float> weights = SharedMemory.Allocate<float>(G);
        ArrayView<int> places = SharedMemory.Allocate<int>(G);
        ArrayView<float> head = SharedMemory.Allocate<float>(KernelLayout.MaxHeadSize);
        int thread = Group.IdxX;
        int row = Grid.IdxY;
        int size = shape.HeadSize;
        int start = ((row * shape.Heads) + Grid.IdxX) * size;
        int keyValueHead = Grid.IdxX / (shape.Heads / shape.KeyValueHeads);
        int positions = table[shape.TableStart + row] + 1;
        int pages = shape.TableStart + table[shape.TableStart + shape.Rows + row];
        int run = KernelLayout.PagePositions * size;
        int toValues = shape.KeyValueHeads * run;
        for (int i = thread; i < size; i += G)
        {
            head[i] = query[start + i];
        }

        Group.Barrier();
        float maximum = Lowest;
        float sum = 0f;

        // Elements thread, thread + 64, thread + 128 and thread + 192 of the head.
        float out0 = 0f, out1 = 0f, out2 = 0f, out3 = 0f;
        for (int first = 0; first < positions; first += G)
        {
            int position = first + thread;
            bool present = position < positions;
            float score = Lowest;
            if (present)
            {
                int page = table[pages + (position / KernelLayout.PagePositions)];
                int place = (((page * 2 * shape.KeyValueHeads) + keyValueHead) * run) + (position % KernelLayout.PagePositions * size);
                places[thread] = place + toValues;
                float dot = 0f;
                for (int i = 0; i < size; i++)
                {
                    dot += head[i] * cache[place + i];
                }

                score = dot * shape.Scale;
            }

            float tile = Reduction.Maximum(maxima, thread, score);
            float next = tile > maximum ? tile : maximum;
            float weight = present ? DeviceMath.Exp(score - next) : 0f;
            weights[thread] = weight;
            float correction = DeviceMath.Exp(maximum - next);
            sum = (sum * correction) + Reduction.Sum(sums, thread, weight);
            maximum = next;
            out0 *= correction;
            out1 *= correction;
            out2 *= correction;
            out3 *= correction;
            int count = positions - first < G ? positions - first : G;
            for (int j = 0; j < count; j++)
            {
                float factor = weights[j];
                int place = places[j] + thread;
                if (thread < size)
                {
                    out0 += factor * cache[place];
                }

                if (thread + G < size)
                {
                    out1 += factor * cache[place + G];
                }

                if (thread + (2 * G) < size)
                {
                    out2 += factor * cache[place + (2 * G)];
                }

                if (thread + (3 * G) < size)
                {
                    out3 += factor * cache[place + (3 * G)];
                }
            }

            Group.Barrier();
        }

        if (thread < size)
        {
            output[start + thread] = out0 / sum;
        }

        if (thread + G < size)
        {
            output[start + thread + G] = out1 / sum;
        }

        if (thread + (2 * G) < size)
        {
            output[start + thread + (2 * G)] = out2 / sum;
        }

        if (thread + (3 * G) < size)
        {
            output[start + thread + (3 * G)] = out3 / sum;
        }
    }
}
