namespace NativeSplit.Placement.Z3.Interop;

/// <summary>Answer of a check.</summary>
internal enum Z3Answer
{
    /// <summary>No assignment keeps the assertions.</summary>
    Unsatisfiable = -1,

    /// <summary>Out of time, interrupted, or given up.</summary>
    Unknown = 0,

    /// <summary>There is an assignment.</summary>
    Satisfiable = 1,
}

/// <summary>A solver in a context, which it borrows. Dispose it first.</summary>
internal sealed unsafe class Z3Solver : IDisposable
{
    private readonly Z3Context _context;
    private readonly Z3ContextHandle _handle;
    private readonly nint _solver;
    private bool _isDisposed;

    /// <param name="context">The context.</param>
    /// <param name="logic">SMT-LIB name of the logic, or null for Z3's choice.</param>
    public Z3Solver(Z3Context context, string? logic)
    {
        _context = context;
        _handle = context.Handle;
        _solver = logic is null ? Z3Native.Z3_mk_solver(_handle) : Z3Native.Z3_mk_solver_for_logic(_handle, Z3Native.Z3_mk_string_symbol(_handle, logic));
        context.ThrowIfFailed();
        Z3Native.Z3_solver_inc_ref(_handle, _solver);
    }

    public void Assert(Z3Term term) => Z3Native.Z3_solver_assert(_handle, _solver, term.Pointer);

    /// <summary>Checks under assumptions.</summary>
    /// <param name="timeLimit">Most time; rounded up to a ms.</param>
    /// <param name="assumptions">Literals to assume.</param>
    /// <exception cref="Z3Exception"><see cref="Z3Fault.Failed"/>.</exception>
    public Z3Answer Check(TimeSpan timeLimit, params ReadOnlySpan<Z3Term> assumptions)
    {
        // An assertion that failed must not make a proof easier.
        _context.ThrowIfFailed();
        nint parameters = Z3Native.Z3_mk_params(_handle);
        Z3Native.Z3_params_inc_ref(_handle, parameters);
        Z3Native.Z3_params_set_uint(_handle, parameters, Z3Native.Z3_mk_string_symbol(_handle, "timeout"), (uint)Math.Clamp(Math.Ceiling(timeLimit.TotalMilliseconds), 1, uint.MaxValue - 1));
        Z3Native.Z3_solver_set_params(_handle, _solver, parameters);
        Z3Native.Z3_params_dec_ref(_handle, parameters);
        _context.ThrowIfFailed();
        fixed (Z3Term* first = assumptions)
        {
            return (Z3Answer)Z3Native.Z3_solver_check_assumptions(_handle, _solver, (uint)assumptions.Length, (nint*)first);
        }
    }

    /// <summary>Which of the terms hold in the model of the last check, which was satisfiable.</summary>
    public bool[] Evaluate(ReadOnlySpan<Z3Term> terms)
    {
        nint model = Z3Native.Z3_solver_get_model(_handle, _solver);
        _context.ThrowIfFailed();
        Z3Native.Z3_model_inc_ref(_handle, model);
        bool[] values = new bool[terms.Length];
        for (int i = 0; i < values.Length; i++)
        {
            values[i] = Z3Native.Z3_model_eval(_handle, model, terms[i].Pointer, complete: true, out nint value) && Z3Native.Z3_get_bool_value(_handle, value) == 1;
        }

        Z3Native.Z3_model_dec_ref(_handle, model);
        return values;
    }

    /// <summary>Assumptions of the last check, which was unsatisfiable, that already contradict each other.</summary>
    public HashSet<Z3Term> Core()
    {
        nint vector = Z3Native.Z3_solver_get_unsat_core(_handle, _solver);
        _context.ThrowIfFailed();
        Z3Native.Z3_ast_vector_inc_ref(_handle, vector);
        HashSet<Z3Term> core = [];
        for (uint i = 0; i < Z3Native.Z3_ast_vector_size(_handle, vector); i++)
        {
            core.Add(new Z3Term(Z3Native.Z3_ast_vector_get(_handle, vector, i)));
        }

        Z3Native.Z3_ast_vector_dec_ref(_handle, vector);
        return core;
    }

    public void Dispose()
    {
        if (!_isDisposed)
        {
            _isDisposed = true;
            Z3Native.Z3_solver_dec_ref(_handle, _solver);
        }
    }
}
