using System.Runtime.InteropServices;

namespace NativeSplit.Placement.Z3.Interop;

/// <summary>Owns a Z3 context, and with it every term made in it.</summary>
internal sealed class Z3ContextHandle : SafeHandle
{
    public Z3ContextHandle()
        : base(0, ownsHandle: true)
    {
        nint config = Z3Native.Z3_mk_config();
        SetHandle(Z3Native.Z3_mk_context(config));
        Z3Native.Z3_del_config(config);
    }

    public override bool IsInvalid => handle == 0;

    protected override bool ReleaseHandle()
    {
        Z3Native.Z3_del_context(handle);
        return true;
    }
}
