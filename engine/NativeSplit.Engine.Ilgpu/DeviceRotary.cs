using NativeSplit.Engine.Execution.Cpu;
using NativeSplit.Kernels.Ilgpu;
using NativeSplit.Model;

namespace NativeSplit.Engine.Ilgpu;

/// <summary>Cosines and sines of the rotary embedding, worked out in float64 on the processor: angles in float32 would be off by 10⁻⁴ at position 4000.</summary>
internal sealed class DeviceRotary
{
    /// <summary>Uploads the tables.</summary>
    /// <param name="rope">Parameters.</param>
    /// <param name="positions">Positions from 0.</param>
    /// <param name="memory">Where to; lent.</param>
    public DeviceRotary(RopeParameters rope, int positions, DeviceMemory memory)
    {
        int pairs = rope.Dimensions / 2;
        var table = new RotaryTable(rope, positions);

        // A model without rotation gets one element: kernels take an array that isn't empty.
        float[] cosines = new float[Math.Max(1, checked(positions * pairs))];
        float[] sines = new float[cosines.Length];
        for (int position = 0; position < positions; position++)
        {
            table.Cosines(position).CopyTo(cosines.AsSpan(position * pairs));
            table.Sines(position).CopyTo(sines.AsSpan(position * pairs));
        }

        Cosines = memory.Upload(cosines, "the rotary table");
        Sines = memory.Upload(sines, "the rotary table");
    }

    /// <summary>Shape [positions, pairs].</summary>
    public DeviceArray<float> Cosines { get; }

    /// <summary>Shape [positions, pairs].</summary>
    public DeviceArray<float> Sines { get; }
}
