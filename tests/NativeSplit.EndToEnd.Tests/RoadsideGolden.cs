using System.Text.Json.Nodes;
using NativeSplit.Testing;

namespace NativeSplit.EndToEnd.Tests;

/// <summary>What the shipped model answers, computed by another program (tests/data/roadside/golden.json).</summary>
internal static class RoadsideGolden
{
    /// <summary>The report of the demo's default prompt, and the answer to it.</summary>
    public const string Report = "At 07:42 a camera reports a stopped truck on highway A7 northbound near kilometre 128. The right lane is blocked. It is raining. Nobody is hurt.";

    public const string Answer = " stopped truck, A7 north, km 128, 07:42; right lane blocked; rain; nobody hurt.\nAdvice: limit 70 km/h, keep left, delay 30 minutes, send tow truck.";

    public static JsonArray Cases { get; } = JsonNode.Parse(File.ReadAllText(TestData.PathOf("roadside", "golden.json")))!["cases"]!.AsArray();
}
