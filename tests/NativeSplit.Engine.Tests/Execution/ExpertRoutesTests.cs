using NativeSplit.Engine.Execution.Cpu;
using NativeSplit.Model;

namespace NativeSplit.Engine.Tests.Execution;

/// <summary>Which expert a row goes to, how much each counts, and in what order.</summary>
public class ExpertRoutesTests
{
    [Fact]
    public void Route_TakesTheGreatestOutputs_WithWeightsThatSumToOne()
    {
        var routes = new ExpertRoutes(new ExpertShape(4, 2, 8, NormalizeWeights: true), maxRows: 3);
        routes.Route([1f, 3f, -2f, 2f, 0f, 0f, 0f, 0f], rows: 2);

        // Row 0 takes 1 and 3; row 1, all equal, the two lowest.
        Assert.Equal([(0, 1), (1, 3), (3, 3), (3, 4)], Enumerable.Range(0, 4).Select(routes.SlotsOf));
        Assert.Equal([1, 0, 1, 0], Enumerable.Range(0, 4).Select(routes.RowOf));
        Assert.Equal([1, 3], routes.SlotsOfRow(0).ToArray());
        Assert.Equal([0, 2], routes.SlotsOfRow(1).ToArray());
        double e = Math.Exp(1);
        Assert.Equal(e / (e + 1), routes.WeightsOfRow(0)[0], 1e-7);
        Assert.Equal(1 / (e + 1), routes.WeightsOfRow(0)[1], 1e-7);
        Assert.Equal([0.5f, 0.5f], routes.WeightsOfRow(1).ToArray());
    }

    [Fact]
    public void Route_LeavesWeightsOfTheWholeSoftmax_WhenTheyAreNotNormalised()
    {
        var routes = new ExpertRoutes(new ExpertShape(3, 1, 8, NormalizeWeights: false), maxRows: 1);
        routes.Route([0f, 1f, 0f], rows: 1);
        Assert.Equal(Math.E / (Math.E + 2), routes.WeightsOfRow(0)[0], 1e-7);
    }

    [Fact]
    public void Route_GivesEveryRowDistinctExperts_WhateverTheOutputs()
    {
        var shape = new ExpertShape(16, 5, 8, NormalizeWeights: true);
        var routes = new ExpertRoutes(shape, maxRows: 40);
        var random = new Random(91);
        float[] outputs = [.. Enumerable.Range(0, 40 * 16).Select(i => i % 37 == 0 ? float.NaN : i % 41 == 0 ? float.NegativeInfinity : (random.NextSingle() * 8) - 4)];
        outputs.AsSpan(16, 16).Fill(float.NaN);
        routes.Route(outputs, rows: 40);
        Assert.Equal((0, 200), (routes.SlotsOf(0).Start, routes.SlotsOf(15).End));
        for (int row = 0; row < 40; row++)
        {
            int[] slots = routes.SlotsOfRow(row).ToArray();
            Assert.Equal(slots.Order(), slots);
            Assert.All(slots, slot => Assert.Equal(row, routes.RowOf(slot)));
            int[] experts = [.. slots.Select(slot => Enumerable.Range(0, 16).Single(e => slot >= routes.SlotsOf(e).Start && slot < routes.SlotsOf(e).End))];
            Assert.Equal(5, experts.Distinct().Count());
            float[] own = outputs[(row * 16)..((row + 1) * 16)];
            float sum = routes.WeightsOfRow(row).ToArray().Sum();
            Assert.True(own.Any(float.IsNaN) ? float.IsNaN(sum) : Math.Abs(sum - 1) < 1e-6, $"row {row}: {sum}");
        }
    }
}
