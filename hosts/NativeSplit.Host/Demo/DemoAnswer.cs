using NativeSplit.Engine.Generation;

namespace NativeSplit.Host.Demo;

/// <summary>One finished answer.</summary>
/// <param name="Text">The whole text.</param>
/// <param name="Usage">Its counts.</param>
/// <param name="Timings">Its timings.</param>
internal sealed record DemoAnswer(string Text, GenerationUsage Usage, GenerationTimings Timings);
