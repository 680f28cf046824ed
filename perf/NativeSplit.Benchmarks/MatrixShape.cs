namespace NativeSplit.Benchmarks;

/// <summary>The matrix that all multiplications are measured on: the up projection of a 1.1-billion-parameter llama model.</summary>
internal static class MatrixShape
{
    public const int Rows = 5632;
    public const int Columns = 2048;

    /// <summary>Copies are cycled through until they hold this much, so that weights come from memory as they do in a model, not from a cache.</summary>
    public const long BytesOfAllCopies = 160L << 20;

    public static int CopiesOf(long bytesOfOne) => (int)Math.Max(2, BytesOfAllCopies / bytesOfOne);

    public static float[] Inputs(int count)
    {
        var random = new Random(1);
        float[] x = new float[count];
        for (int i = 0; i < count; i++)
        {
            x[i] = (random.NextSingle() * 2) - 1;
        }

        return x;
    }
}
