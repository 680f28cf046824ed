using System.Runtime.InteropServices;

namespace NativeSplit.Placement.Z3.Interop;

/// <summary>The functions of <c>z3_api.h</c> that are used, by their own names. All exist since Z3 4.8.</summary>
/// <remarks>Terms, symbols and sorts are pointers that live as long as their context, since the context is made without reference counts.</remarks>
internal static unsafe partial class Z3Native
{
    public const string Library = "z3";

    [LibraryImport(Library)]
    public static partial void Z3_get_version(out uint major, out uint minor, out uint build, out uint revision);

    [LibraryImport(Library)]
    public static partial nint Z3_mk_config();

    [LibraryImport(Library)]
    public static partial void Z3_del_config(nint config);

    [LibraryImport(Library)]
    public static partial nint Z3_mk_context(nint config);

    [LibraryImport(Library)]
    public static partial void Z3_del_context(nint context);

    [LibraryImport(Library)]
    public static partial void Z3_set_error_handler(Z3ContextHandle c, nint handler);

    [LibraryImport(Library)]
    public static partial int Z3_get_error_code(Z3ContextHandle c);

    [LibraryImport(Library)]
    public static partial nint Z3_get_error_msg(Z3ContextHandle c, int code);

    [LibraryImport(Library)]
    public static partial void Z3_interrupt(Z3ContextHandle c);

    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    public static partial nint Z3_mk_string_symbol(Z3ContextHandle c, string s);

    [LibraryImport(Library)]
    public static partial nint Z3_mk_int_symbol(Z3ContextHandle c, int i);

    [LibraryImport(Library)]
    public static partial nint Z3_mk_bool_sort(Z3ContextHandle c);

    [LibraryImport(Library)]
    public static partial nint Z3_mk_real_sort(Z3ContextHandle c);

    [LibraryImport(Library)]
    public static partial nint Z3_mk_const(Z3ContextHandle c, nint symbol, nint sort);

    [LibraryImport(Library)]
    public static partial nint Z3_mk_int64(Z3ContextHandle c, long v, nint sort);

    [LibraryImport(Library)]
    public static partial nint Z3_mk_not(Z3ContextHandle c, nint a);

    [LibraryImport(Library)]
    public static partial nint Z3_mk_implies(Z3ContextHandle c, nint a, nint b);

    [LibraryImport(Library)]
    public static partial nint Z3_mk_eq(Z3ContextHandle c, nint a, nint b);

    [LibraryImport(Library)]
    public static partial nint Z3_mk_le(Z3ContextHandle c, nint a, nint b);

    [LibraryImport(Library)]
    public static partial nint Z3_mk_or(Z3ContextHandle c, uint count, nint* args);

    [LibraryImport(Library)]
    public static partial nint Z3_mk_add(Z3ContextHandle c, uint count, nint* args);

    [LibraryImport(Library)]
    public static partial nint Z3_mk_mul(Z3ContextHandle c, uint count, nint* args);

    [LibraryImport(Library)]
    public static partial nint Z3_mk_atmost(Z3ContextHandle c, uint count, nint* args, uint k);

    [LibraryImport(Library)]
    public static partial nint Z3_mk_pble(Z3ContextHandle c, uint count, nint* args, int* weights, int k);

    [LibraryImport(Library)]
    public static partial nint Z3_mk_solver(Z3ContextHandle c);

    [LibraryImport(Library)]
    public static partial nint Z3_mk_solver_for_logic(Z3ContextHandle c, nint logic);

    [LibraryImport(Library)]
    public static partial void Z3_solver_inc_ref(Z3ContextHandle c, nint s);

    [LibraryImport(Library)]
    public static partial void Z3_solver_dec_ref(Z3ContextHandle c, nint s);

    [LibraryImport(Library)]
    public static partial void Z3_solver_assert(Z3ContextHandle c, nint s, nint a);

    [LibraryImport(Library)]
    public static partial int Z3_solver_check_assumptions(Z3ContextHandle c, nint s, uint count, nint* assumptions);

    [LibraryImport(Library)]
    public static partial nint Z3_solver_get_model(Z3ContextHandle c, nint s);

    [LibraryImport(Library)]
    public static partial nint Z3_solver_get_unsat_core(Z3ContextHandle c, nint s);

    [LibraryImport(Library)]
    public static partial void Z3_solver_set_params(Z3ContextHandle c, nint s, nint p);

    [LibraryImport(Library)]
    public static partial nint Z3_mk_params(Z3ContextHandle c);

    [LibraryImport(Library)]
    public static partial void Z3_params_inc_ref(Z3ContextHandle c, nint p);

    [LibraryImport(Library)]
    public static partial void Z3_params_dec_ref(Z3ContextHandle c, nint p);

    [LibraryImport(Library)]
    public static partial void Z3_params_set_uint(Z3ContextHandle c, nint p, nint key, uint v);

    [LibraryImport(Library)]
    public static partial void Z3_model_inc_ref(Z3ContextHandle c, nint m);

    [LibraryImport(Library)]
    public static partial void Z3_model_dec_ref(Z3ContextHandle c, nint m);

    [LibraryImport(Library)]
    [return: MarshalAs(UnmanagedType.U1)]
    public static partial bool Z3_model_eval(Z3ContextHandle c, nint m, nint t, [MarshalAs(UnmanagedType.U1)] bool complete, out nint v);

    [LibraryImport(Library)]
    public static partial int Z3_get_bool_value(Z3ContextHandle c, nint a);

    [LibraryImport(Library)]
    public static partial void Z3_ast_vector_inc_ref(Z3ContextHandle c, nint v);

    [LibraryImport(Library)]
    public static partial void Z3_ast_vector_dec_ref(Z3ContextHandle c, nint v);

    [LibraryImport(Library)]
    public static partial uint Z3_ast_vector_size(Z3ContextHandle c, nint v);

    [LibraryImport(Library)]
    public static partial nint Z3_ast_vector_get(Z3ContextHandle c, nint v, uint i);
}
