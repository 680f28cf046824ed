namespace NativeSplit.Placement.Z3.Tests;

/// <summary>The library, or a skip with the reason.</summary>
internal static class Z3
{
    public static Z3Certifier Require()
    {
        Z3Certifier certifier = new(TimeProvider.System);
        Assert.SkipWhen(certifier.Missing is not null, certifier.Missing ?? string.Empty);
        return certifier;
    }
}
