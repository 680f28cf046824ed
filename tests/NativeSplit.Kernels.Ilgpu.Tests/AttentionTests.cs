namespace NativeSplit.Kernels.Ilgpu.Tests;

/// <summary>Norm per head, rotary embedding, the paged cache and attention, step by step like a run, against double precision.</summary>
public sealed class AttentionTests
{
    public static TheoryData<string, int, bool, bool> Cases
    {
        get
        {
            TheoryData<string, int, bool, bool> cases = [];
            foreach (string device in (string[])["emulator", "opencl", "cuda"])
            {
                cases.Add(device, 16, true, device == "emulator");
                if (device != "emulator")
                {
                    cases.Add(device, 80, false, true);
                    cases.Add(device, 256, false, false);
                }
            }

            return cases;
        }
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Attend_EqualsWholeSoftmax_OverSeveralPagesAndSequences(string name, int headSize, bool interleaved, bool norms)
    {
        ComputeDevice device = TestDevices.OrSkip(name);
        device.Kernels.Prepare();
        const int Heads = 4, KeyValueHeads = 2, Pages = 8, Positions = 128;
        const float Epsilon = 1e-6f;
        int pairs = headSize / 4;   // The upper half of a head isn't rotated.
        var random = new Random(headSize);
        float[] queryGain = RandomWeights.Floats(random, headSize);
        float[] keyGain = RandomWeights.Floats(random, headSize);
        float[] cosines = new float[Positions * pairs];
        float[] sines = new float[Positions * pairs];
        for (int i = 0; i < cosines.Length; i++)
        {
            (double sine, double cosine) = Math.SinCos(i / pairs * Math.Pow(100, -(double)(i % pairs) / pairs));
            (cosines[i], sines[i]) = ((float)cosine, (float)sine);
        }

        using DeviceMemory memory = device.CreateMemory();
        var layer = new AttentionLayer
        {
            HeadCount = Heads,
            KeyValueHeadCount = KeyValueHeads,
            HeadSize = headSize,
            Pairs = pairs,
            Interleaved = interleaved,
            NormEpsilon = Epsilon,
            QueryNorm = norms ? memory.Upload(queryGain, "a test") : null,
            KeyNorm = norms ? memory.Upload(keyGain, "a test") : null,
            Cosines = memory.Upload(cosines, "a test"),
            Sines = memory.Upload(sines, "a test"),
            Cache = memory.AllocateFloats(Pages * 2 * KeyValueHeads * 32 * headSize, "a test"),
        };

        // Two sequences over several pages that lie anywhere, and on a real device over several tiles; prefill of most rows, then one row each.
        int[][] pages = [[5, 0, 3], [2, 6]];
        int[] lengths = name == "emulator" ? [34, 3] : [70, 33];
        float[][] query = [.. lengths.Select(length => RandomWeights.Floats(random, length * Heads * headSize, 2f))];
        float[][] key = [.. lengths.Select(length => RandomWeights.Floats(random, length * KeyValueHeads * headSize, 2f))];
        float[][] value = [.. lengths.Select(length => RandomWeights.Floats(random, length * KeyValueHeads * headSize))];
        float[][] output = [.. query.Select(rows => new float[rows.Length])];
        Step((0, 0, lengths[0] - 1));
        Step((1, 0, lengths[1] - 1));
        Step((1, lengths[1] - 1, 1), (0, lengths[0] - 1, 1));

        for (int s = 0; s < 2; s++)
        {
            double[] expected = Reference(query[s], key[s], value[s], lengths[s]);

            // A score: at most headSize·eps of its terms' magnitudes, which the scale bounds by 4·√headSize (norms and rotation add a
            // few eps to each factor); a weight that, relative, and 2·10⁻⁷ of exp, twice for the sum; a rounding per position. |values| ≤ 1.
            double eps = Math.ScaleB(1, -24);
            double tolerance = 2 * ((4 * Math.Sqrt(headSize) * (headSize + 16) * eps) + 4e-7 + (lengths[s] * eps));
            for (int i = 0; i < expected.Length; i++)
            {
                Assert.True(Math.Abs(expected[i] - output[s][i]) <= tolerance, $"sequence {s} element {i}: {expected[i]} {output[s][i]} allowed {tolerance}");
            }
        }

        void Step(params (int Sequence, int First, int Count)[] parts)
        {
            int rows = parts.Sum(part => part.Count);
            List<int> table = [.. parts.SelectMany(part => Enumerable.Range(part.First, part.Count))];
            int listStart = 2 * rows;
            foreach (var part in parts)
            {
                table.AddRange(Enumerable.Repeat(listStart, part.Count));
                listStart += pages[part.Sequence].Length;
            }

            table.AddRange(parts.SelectMany(part => pages[part.Sequence]));
            using DeviceMemory step = device.CreateMemory();
            const int TableStart = 5;
            StagingBuffer staging = step.AllocateStaging(TableStart + table.Count, "a test");
            table.ToArray().CopyTo(staging.HostWords[TableStart..]);
            DeviceArray<float> q = step.Upload(Rows(query, Heads), "a test");
            DeviceArray<float> k = step.Upload(Rows(key, KeyValueHeads), "a test");
            DeviceArray<float> v = step.Upload(Rows(value, KeyValueHeads), "a test");
            DeviceArray<float> result = step.AllocateFloats(rows * Heads * headSize, "a test");
            using (device.Enter())
            {
                staging.QueueUpload(TableStart + table.Count);
                device.Kernels.AppendHeads(layer, q, k, v, staging.DeviceWords, TableStart, rows);
                device.Kernels.Attend(layer, q, staging.DeviceWords, TableStart, rows, result);
            }

            float[] got = new float[result.Length];
            step.Read(result, 0, got);
            int start = 0;
            foreach (var part in parts)
            {
                got.AsSpan(start, part.Count * Heads * headSize).CopyTo(output[part.Sequence].AsSpan(part.First * Heads * headSize));
                start += part.Count * Heads * headSize;
            }

            float[] Rows(float[][] all, int heads) => [.. parts.SelectMany(part => all[part.Sequence].AsSpan(part.First * heads * headSize, part.Count * heads * headSize).ToArray())];
        }

        double[] Reference(float[] q, float[] k, float[] v, int length)
        {
            double[] result = new double[length * Heads * headSize];
            for (int row = 0; row < length; row++)
            {
                for (int h = 0; h < Heads; h++)
                {
                    int kv = h / (Heads / KeyValueHeads);
                    double[] rotated = Ready(q.AsSpan(((row * Heads) + h) * headSize, headSize), row, queryGain);
                    double[] scores = new double[row + 1];
                    for (int p = 0; p <= row; p++)
                    {
                        double[] other = Ready(k.AsSpan(((p * KeyValueHeads) + kv) * headSize, headSize), p, keyGain);
                        scores[p] = rotated.Zip(other, (a, b) => a * b).Sum() / Math.Sqrt(headSize);
                    }

                    double maximum = scores.Max();
                    double sum = scores.Sum(score => Math.Exp(score - maximum));
                    for (int p = 0; p <= row; p++)
                    {
                        double weight = Math.Exp(scores[p] - maximum) / sum;
                        for (int i = 0; i < headSize; i++)
                        {
                            result[(((row * Heads) + h) * headSize) + i] += weight * v[(((p * KeyValueHeads) + kv) * headSize) + i];
                        }
                    }
                }
            }

            return result;
        }

        double[] Ready(ReadOnlySpan<float> head, int position, float[] gain)
        {
            double[] x = new double[headSize];
            double squares = 0;
            for (int i = 0; i < headSize; i++)
            {
                x[i] = head[i];
                squares += x[i] * x[i];
            }

            for (int i = 0; norms && i < headSize; i++)
            {
                x[i] *= gain[i] / Math.Sqrt((squares / headSize) + Epsilon);
            }

            for (int i = 0; i < pairs; i++)
            {
                (int a, int b) = interleaved ? (2 * i, (2 * i) + 1) : (i, i + pairs);
                double cosine = cosines[(position * pairs) + i], sine = sines[(position * pairs) + i];
                (x[a], x[b]) = ((x[a] * cosine) - (x[b] * sine), (x[a] * sine) + (x[b] * cosine));
            }

            return x;
        }
    }
}
