using System.Security.Cryptography;
using NativeSplit.Transport.Sealing;

namespace NativeSplit.Transport.Links;

/// <summary>Renews the keys of both directions of a link, beside the frames (docs/wire.md, section 3.8).</summary>
/// <remarks>
/// Sending: when the key is old or has sealed much, a secret is offered; with the answer the next key is ready, and the next frame is
/// sealed with it. Receiving: an offer is answered once the next key is ready to open with, so a frame never meets an end without its key.
/// An offer that comes before the last key was seen in a frame waits for that frame: at most one key is ahead.
/// </remarks>
internal sealed class KeyRenewal : IDisposable
{
    private readonly Lock _gate = new();
    private readonly KeyChain _sending;
    private readonly KeyChain _receiving;
    private readonly FrameSealer _sealer;
    private readonly FrameOpener _opener;
    private readonly ControlConnection _control;
    private readonly TimeSpan _rekeyAfter;
    private readonly TimeSpan _grace;
    private readonly ITimer _timer;
    private readonly byte[] _offered = GC.AllocateArray<byte>(LinkKeys.SecretBytes, pinned: true);
    private readonly byte[] _waiting = GC.AllocateArray<byte>(LinkKeys.SecretBytes, pinned: true);
    private bool _isOffered;
    private bool _isReady;
    private bool _isAhead;
    private bool _hasWaiting;
    private bool _disposed;

    /// <summary>Starts the clock of the first key.</summary>
    /// <param name="sending">Later keys of what we send; owned.</param>
    /// <param name="receiving">Later keys of what we receive; owned.</param>
    /// <param name="sealer">Seals what we send.</param>
    /// <param name="opener">Opens what we receive.</param>
    /// <param name="control">Carries the secrets.</param>
    /// <param name="options">Times, and the clock.</param>
    public KeyRenewal(
        KeyChain sending, KeyChain receiving, FrameSealer sealer, FrameOpener opener, ControlConnection control, LinkOptions options)
    {
        (_sending, _receiving, _sealer, _opener, _control) = (sending, receiving, sealer, opener, control);
        _rekeyAfter = options.RekeyAfter;
        _grace = options.RefuseAfter - options.RekeyAfter;
        _timer = options.Time.CreateTimer(static state => ((KeyRenewal)state!).OnTimer(), this, _rekeyAfter, Timeout.InfiniteTimeSpan);
        sealer.Attach(worn: Offer, switched: OnSealerSwitched);
        opener.Attach(switched: OnOpenerSwitched);
    }

    /// <summary>The peer offers a secret for the next key of what we receive. False when its number isn't the next.</summary>
    public bool OnOffer(ulong phase, ReadOnlySpan<byte> secret)
    {
        lock (_gate)
        {
            if (_hasWaiting || phase != _receiving.Phase + 1UL)
            {
                return false;
            }

            secret.CopyTo(_waiting);
            _hasWaiting = true;
            AnswerIfWaiting();
            return true;
        }
    }

    /// <summary>The peer answers our offer. False when there is none, or its number isn't the offer's.</summary>
    public bool OnAnswer(ulong phase, ReadOnlySpan<byte> secret)
    {
        lock (_gate)
        {
            if (!_isOffered || _isReady || phase != _sending.Phase + 1UL)
            {
                return false;
            }

            if (!_disposed)
            {
                _isReady = true;
                _sealer.Install(_sending.Next(_offered, secret));
                CryptographicOperations.ZeroMemory(_offered);
            }

            return true;
        }
    }

    /// <summary>Stops the clock and wipes the secrets.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            _disposed = true;
            _timer.Dispose();
            _sending.Dispose();
            _receiving.Dispose();
            CryptographicOperations.ZeroMemory(_offered);
            CryptographicOperations.ZeroMemory(_waiting);
        }
    }

    private void OnTimer()
    {
        lock (_gate)
        {
            if (!_isOffered)
            {
                Offer();
                _timer.Change(_grace, Timeout.InfiniteTimeSpan);
            }
            else if (!_isReady)
            {
                _sealer.Expire();
            }
        }
    }

    private void Offer()
    {
        lock (_gate)
        {
            if (_isOffered || _disposed)
            {
                return;
            }

            _isOffered = true;
            RandomNumberGenerator.Fill(_offered);
            _control.Post(ControlKind.KeyOffer, _sending.Phase + 1UL, _offered);
            _timer.Change(_grace, Timeout.InfiniteTimeSpan);
        }
    }

    // Called by the sealer, under its sender's lock, with the first frame under a new key.
    private void OnSealerSwitched()
    {
        lock (_gate)
        {
            _isOffered = _isReady = false;
            if (!_disposed)
            {
                _timer.Change(_rekeyAfter, Timeout.InfiniteTimeSpan);
            }
        }
    }

    // Called by the opener with the first frame under a new key.
    private void OnOpenerSwitched()
    {
        lock (_gate)
        {
            _isAhead = false;
            AnswerIfWaiting();
        }
    }

    private void AnswerIfWaiting()
    {
        if (!_hasWaiting || _isAhead || _disposed)
        {
            return;
        }

        Span<byte> own = stackalloc byte[LinkKeys.SecretBytes];
        RandomNumberGenerator.Fill(own);
        (_hasWaiting, _isAhead) = (false, true);
        _opener.Install(_receiving.Next(_waiting, own));
        _control.Post(ControlKind.KeyAnswer, _receiving.Phase, own);
        CryptographicOperations.ZeroMemory(own);
        CryptographicOperations.ZeroMemory(_waiting);
    }
}
