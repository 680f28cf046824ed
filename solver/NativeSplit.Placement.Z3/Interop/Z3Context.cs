using System.Runtime.InteropServices;

namespace NativeSplit.Placement.Z3.Interop;

/// <summary>A term; lives as long as its context.</summary>
internal readonly record struct Z3Term(nint Pointer);

/// <summary>Builds terms. Owns the native context; not safe to share between threads, but for <see cref="Interrupt"/>.</summary>
internal sealed unsafe class Z3Context : IDisposable
{
    private readonly nint _bool;
    private readonly nint _real;
    private int _nextSymbol;

    /// <summary>Makes a context.</summary>
    /// <exception cref="Z3Exception"><see cref="Z3Fault.LibraryMissing"/>.</exception>
    public Z3Context()
    {
        if (Z3Library.Missing is { } missing)
        {
            throw new Z3Exception(Z3Fault.LibraryMissing, missing);
        }

        Handle = new Z3ContextHandle();

        // No handler: errors are asked for, not thrown through native frames.
        Z3Native.Z3_set_error_handler(Handle, 0);
        _bool = Z3Native.Z3_mk_bool_sort(Handle);
        _real = Z3Native.Z3_mk_real_sort(Handle);
    }

    internal Z3ContextHandle Handle { get; }

    public Z3Term NewBool() => Made(Z3Native.Z3_mk_const(Handle, Z3Native.Z3_mk_int_symbol(Handle, _nextSymbol++), _bool));

    public Z3Term NewReal() => Made(Z3Native.Z3_mk_const(Handle, Z3Native.Z3_mk_int_symbol(Handle, _nextSymbol++), _real));

    public Z3Term Real(long value) => Made(Z3Native.Z3_mk_int64(Handle, value, _real));

    public Z3Term Not(Z3Term a) => Made(Z3Native.Z3_mk_not(Handle, a.Pointer));

    public Z3Term Implies(Z3Term a, Z3Term b) => Made(Z3Native.Z3_mk_implies(Handle, a.Pointer, b.Pointer));

    public Z3Term Equal(Z3Term a, Z3Term b) => Made(Z3Native.Z3_mk_eq(Handle, a.Pointer, b.Pointer));

    public Z3Term AtMost(Z3Term a, Z3Term b) => Made(Z3Native.Z3_mk_le(Handle, a.Pointer, b.Pointer));

    /// <summary>Disjunction; false when empty.</summary>
    public Z3Term Or(params ReadOnlySpan<Z3Term> terms)
    {
        fixed (Z3Term* first = terms)
        {
            return Made(Z3Native.Z3_mk_or(Handle, (uint)terms.Length, (nint*)first));
        }
    }

    /// <summary>Sum of reals, not empty.</summary>
    public Z3Term Sum(ReadOnlySpan<Z3Term> terms)
    {
        fixed (Z3Term* first = terms)
        {
            return Made(Z3Native.Z3_mk_add(Handle, (uint)terms.Length, (nint*)first));
        }
    }

    public Z3Term Times(long factor, Z3Term a)
    {
        nint* both = stackalloc nint[2];
        (both[0], both[1]) = (Real(factor).Pointer, a.Pointer);
        return Made(Z3Native.Z3_mk_mul(Handle, 2, both));
    }

    /// <summary>At most k of the terms hold.</summary>
    public Z3Term CountAtMost(ReadOnlySpan<Z3Term> terms, int k)
    {
        fixed (Z3Term* first = terms)
        {
            return Made(Z3Native.Z3_mk_atmost(Handle, (uint)terms.Length, (nint*)first, (uint)k));
        }
    }

    /// <summary>Σ weights of the terms that hold is at most k.</summary>
    public Z3Term WeightAtMost(ReadOnlySpan<Z3Term> terms, ReadOnlySpan<int> weights, int k)
    {
        if (terms.Length != weights.Length)
        {
            throw new ArgumentException($"{terms.Length} terms have {weights.Length} weights.", nameof(weights));
        }

        fixed (Z3Term* first = terms)
        fixed (int* weight = weights)
        {
            return Made(Z3Native.Z3_mk_pble(Handle, (uint)terms.Length, (nint*)first, weight, k));
        }
    }

    /// <summary>Ends a check that another thread runs. May be called at any time before disposal.</summary>
    public void Interrupt() => Z3Native.Z3_interrupt(Handle);

    /// <summary>Throws what Z3 reported last, if anything.</summary>
    /// <exception cref="Z3Exception"><see cref="Z3Fault.Failed"/>.</exception>
    public void ThrowIfFailed()
    {
        int code = Z3Native.Z3_get_error_code(Handle);
        if (code != 0)
        {
            throw new Z3Exception(Z3Fault.Failed, $"Z3 {Z3Library.Version} reported error {code}: {Marshal.PtrToStringUTF8(Z3Native.Z3_get_error_msg(Handle, code))}");
        }
    }

    public void Dispose() => Handle.Dispose();

    private Z3Term Made(nint pointer)
    {
        if (pointer == 0)
        {
            ThrowIfFailed();
            throw new Z3Exception(Z3Fault.Failed, $"Z3 {Z3Library.Version} made no term.");
        }

        return new Z3Term(pointer);
    }
}
