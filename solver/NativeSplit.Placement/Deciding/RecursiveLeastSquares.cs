namespace NativeSplit.Placement.Deciding;

/// <summary>Fits <c>y = Σ θ[i] · x[i]</c> online, older observations counting less and less.</summary>
/// <remarks>
/// Recursive least squares with exponential forgetting (Åström and Wittenmark 1995, eq. 2.21): gain <c>k = P x / (λ + xᵀ P x)</c>,
/// <c>θ += k (y − xᵀ θ)</c>, <c>P = (P − k xᵀ P) / λ</c>. P is kept symmetric, and its trace bounded, so that inputs that carry
/// nothing new don't wind it up.
/// </remarks>
public sealed class RecursiveLeastSquares
{
    private const double MaxTrace = 1e12;

    private readonly double _forgetting;
    private readonly double[] _theta;
    private readonly double[,] _p;
    private readonly double[] _px;

    /// <summary>Starts from a guess.</summary>
    /// <param name="initial">First coefficients.</param>
    /// <param name="uncertainty">How far the guess may be off, as a variance against that of the noise; more than 0.</param>
    /// <param name="forgetting">λ, over 0 and up to 1: weight of an observation against the next.</param>
    /// <exception cref="ArgumentOutOfRangeException">A figure is out of range.</exception>
    public RecursiveLeastSquares(ReadOnlySpan<double> initial, double uncertainty, double forgetting)
    {
        ArgumentOutOfRangeException.ThrowIfZero(initial.Length);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(uncertainty);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(forgetting);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(forgetting, 1.0);
        _forgetting = forgetting;
        _theta = initial.ToArray();
        _px = new double[initial.Length];
        _p = new double[initial.Length, initial.Length];
        for (int i = 0; i < initial.Length; i++)
        {
            _p[i, i] = uncertainty;
        }
    }

    /// <summary>The coefficients as they stand.</summary>
    public ReadOnlySpan<double> Coefficients => _theta;

    /// <summary>Takes an observation. Allocates nothing.</summary>
    /// <param name="x">Inputs. Shape [coefficients].</param>
    /// <param name="y">What was seen.</param>
    /// <returns>False when a figure isn't finite; nothing changes then.</returns>
    /// <exception cref="ArgumentException">The number of inputs differs.</exception>
    public bool Observe(ReadOnlySpan<double> x, double y)
    {
        int n = _theta.Length;
        if (x.Length != n)
        {
            throw new ArgumentException($"{x.Length} inputs for {n} coefficients.", nameof(x));
        }

        double error = y, power = _forgetting, trace = 0;
        for (int i = 0; i < n; i++)
        {
            error -= x[i] * _theta[i];
            _px[i] = 0;
            for (int j = 0; j < n; j++)
            {
                _px[i] += _p[i, j] * x[j];
            }

            power += x[i] * _px[i];
            trace += _p[i, i];
        }

        if (!double.IsFinite(error) || !double.IsFinite(power) || power <= 0)
        {
            return false;
        }

        double forgetting = trace < MaxTrace ? _forgetting : 1;
        for (int i = 0; i < n; i++)
        {
            _theta[i] += _px[i] / power * error;
            for (int j = 0; j <= i; j++)
            {
                _p[i, j] = _p[j, i] = (_p[i, j] - (_px[i] * _px[j] / power)) / forgetting;
            }
        }

        return true;
    }
}
