using System.Security.Cryptography.X509Certificates;
using Microsoft.Extensions.Logging;
using NativeSplit.Transport.Links;

namespace NativeSplit.Cluster.Identity;

/// <summary>
/// Renews a node's certificate when about two thirds of its life are over, for as long as the node runs. What fails is tried again, at growing
/// intervals, until the certificate ends.
/// </summary>
public sealed class CertificateRenewal : IAsyncDisposable
{
    /// <summary>Wait after the first failure, and the least between two certificates.</summary>
    public static readonly TimeSpan FirstRetry = TimeSpan.FromSeconds(10);

    /// <summary>Longest wait after a failure.</summary>
    public static readonly TimeSpan LastRetry = TimeSpan.FromMinutes(15);

    /// <summary>A last attempt comes after the end, not at it: a clock may stop short of it.</summary>
    private static readonly TimeSpan Margin = TimeSpan.FromSeconds(1);

    private readonly CredentialSource _credentials;
    private readonly Func<CancellationToken, Task<X509Certificate2>> _renew;
    private readonly Action<LinkCredentials>? _keep;
    private readonly ILogger _log;
    private readonly TimeProvider _time;
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _loop;

    /// <summary>Starts to wait for the first renewal.</summary>
    /// <param name="credentials">Where new handshakes take their credentials from.</param>
    /// <param name="renew">Gets a new certificate, with its key, from the authority.</param>
    /// <param name="keep">Told of new credentials once they are in use, to keep them; null: nobody is.</param>
    /// <param name="log">Told of renewals, failures and the end.</param>
    /// <param name="time">Clock of validity and waits.</param>
    public CertificateRenewal(
        CredentialSource credentials, Func<CancellationToken, Task<X509Certificate2>> renew, Action<LinkCredentials>? keep, ILogger log, TimeProvider time)
    {
        ArgumentNullException.ThrowIfNull(credentials);
        ArgumentNullException.ThrowIfNull(renew);
        ArgumentNullException.ThrowIfNull(time);
        (_credentials, _renew, _keep, _log, _time) = (credentials, renew, keep, log, time);
        _loop = RunAsync();
    }

    /// <summary>When to renew: between 58 and 67 % of the life, so that nodes that joined together don't come together.</summary>
    /// <param name="certificate">The certificate.</param>
    /// <param name="jitter">0 to 1: 0 for the latest moment, 1 for the earliest.</param>
    public static DateTimeOffset DueAt(X509Certificate2 certificate, double jitter)
    {
        ArgumentNullException.ThrowIfNull(certificate);
        TimeSpan life = certificate.NotAfter - certificate.NotBefore;
        return EndOf(certificate) - (life * ((1 / 3.0) + (jitter / 12)));
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync().ConfigureAwait(false);
        await _loop.ConfigureAwait(false);
        _stop.Dispose();
    }

    private static DateTimeOffset EndOf(X509Certificate2 certificate) => certificate.NotAfter.ToUniversalTime();

    private async Task RunAsync()
    {
        try
        {
            TimeSpan least = TimeSpan.Zero;
            while (true)
            {
                TimeSpan wait = DueAt(_credentials.Current.Certificate, Random.Shared.NextDouble()) - _time.GetUtcNow();
                await Task.Delay(wait > least ? wait : least, _time, _stop.Token).ConfigureAwait(false);
                least = FirstRetry;
                if (!await RenewBeforeEndAsync().ConfigureAwait(false))
                {
                    return;
                }
            }
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested)
        {
            // Stopping.
        }
    }

    private async Task<bool> RenewBeforeEndAsync()
    {
        DateTimeOffset end = EndOf(_credentials.Current.Certificate);
        for (TimeSpan retry = FirstRetry; ; retry = retry * 2 < LastRetry ? retry * 2 : LastRetry)
        {
            string? failure = await TryRenewAsync().ConfigureAwait(false);
            TimeSpan left = end - _time.GetUtcNow();
            if (failure is null)
            {
                return true;
            }

            if (left <= TimeSpan.Zero)
            {
                _log.LogError("The certificate of {Identity} ended at {End:u} and couldn't be renewed: {Reason} Open links go on; for new ones make a token with 'nativesplit token create' and start the worker with it.", _credentials.Identity, end, failure);
                return false;
            }

            TimeSpan wait = retry * (0.75 + (Random.Shared.NextDouble() / 4));
            _log.LogWarning("The certificate of {Identity} ends at {End:u} and couldn't be renewed: {Reason} Trying again in {Wait:0} s.", _credentials.Identity, end, failure, wait.TotalSeconds);
            await Task.Delay(wait < left ? wait : left + Margin, _time, _stop.Token).ConfigureAwait(false);
        }
    }

    /// <summary>Renews once. Gives what went wrong, or null.</summary>
    private async Task<string?> TryRenewAsync()
    {
        try
        {
            LinkCredentials renewed = _credentials.Current with { Certificate = await _renew(_stop.Token).ConfigureAwait(false) };
            _credentials.Replace(renewed);
            _log.LogInformation("The certificate of {Identity} was renewed and holds until {End:u}.", _credentials.Identity, EndOf(renewed.Certificate));
            Keep(renewed);
            return null;
        }
        catch (Exception e) when (e is LinkException or ClusterException or ArgumentException)
        {
            return e.Message;
        }
    }

    private void Keep(LinkCredentials renewed)
    {
        try
        {
            _keep?.Invoke(renewed);
        }
        catch (ClusterException e)
        {
            // The node itself goes on with the new certificate; only a restart would miss it.
            _log.LogError("The renewed certificate couldn't be kept, a restart may need a new token: {Reason}", e.Message);
        }
    }
}
