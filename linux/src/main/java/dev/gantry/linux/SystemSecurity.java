package dev.gantry.linux;

import java.util.EnumSet;
import java.util.Set;

final class SystemSecurity implements Security {
    private static final int LINUX_CAPABILITY_VERSION_3 = 0x20080522;
    private static final int SIZE_OF_BPF_INSTRUCTION = 8;

    @Override
    public int prctl(int option, long arg2, long arg3, long arg4, long arg5) throws ErrnoException {
        return (int) Kernel.check(
                Kernel.raw(Syscall.PRCTL, option, arg2, arg3, arg4, arg5, 0),
                () -> "prctl(%d, %d, %d, %d, %d)".formatted(option, arg2, arg3, arg4, arg5));
    }

    @Override
    public CapabilitySets capget() throws ErrnoException {
        try (Scratch scratch = Scratch.open()) {
            Scratch.Block data = scratch.zeroed(24);
            Kernel.check(Kernel.raw(Syscall.CAPGET, capabilityHeader(scratch), data.address()), () -> "capget(thread)");
            return new CapabilitySets(wide(data, 0), wide(data, 4), wide(data, 8));
        }
    }

    @Override
    public void capset(CapabilitySets sets) throws ErrnoException {
        try (Scratch scratch = Scratch.open()) {
            Scratch.Block data = scratch.zeroed(24);
            putWide(data, 0, sets.effective());
            putWide(data, 4, sets.permitted());
            putWide(data, 8, sets.inheritable());
            Kernel.check(
                    Kernel.raw(Syscall.CAPSET, capabilityHeader(scratch), data.address()),
                    () -> "capset(%s)".formatted(sets));
        }
    }

    private static long capabilityHeader(Scratch scratch) {
        Scratch.Block header = scratch.zeroed(8);
        header.putInt(0, LINUX_CAPABILITY_VERSION_3);
        return header.address();
    }

    /** Low and high halves are in the two structures of 12 bytes that capget(2) fills. */
    private static long wide(Scratch.Block data, int offset) {
        return (data.getInt(offset) & 0xffffffffL) | (long) data.getInt(offset + 12) << 32;
    }

    private static void putWide(Scratch.Block data, int offset, long set) {
        data.putInt(offset, (int) set);
        data.putInt(offset + 12, (int) (set >>> 32));
    }

    @Override
    public Set<LinuxCapability> boundingSet() throws ErrnoException {
        Set<LinuxCapability> set = EnumSet.noneOf(LinuxCapability.class);
        for (LinuxCapability capability : LinuxCapability.values()) {
            // EINVAL: this kernel does not know it
            if (Kernel.raw(Syscall.PRCTL, Prctl.PR_CAPBSET_READ, capability.number()) == 1) {
                set.add(capability);
            }
        }
        return set;
    }

    @Override
    public boolean isSeccompActionAvailable(int action) {
        try (Scratch scratch = Scratch.open()) {
            Scratch.Block operand = scratch.zeroed(8);
            operand.putInt(0, action);
            return Kernel.raw(Syscall.SECCOMP, Prctl.SECCOMP_GET_ACTION_AVAIL, 0, operand.address()) == 0;
        }
    }

    @Override
    public void seccompFilter(byte[] program, int flags) throws ErrnoException {
        try (Scratch scratch = Scratch.open()) {
            Scratch.Block filter = scratch.zeroed(16);
            filter.putInt(0, program.length / SIZE_OF_BPF_INSTRUCTION);
            filter.putLong(8, scratch.bytes(program).address());
            Kernel.check(
                    Kernel.raw(Syscall.SECCOMP, Prctl.SECCOMP_SET_MODE_FILTER, flags, filter.address()),
                    () -> "seccomp(SECCOMP_SET_MODE_FILTER, %s, %d instructions)"
                            .formatted(Kernel.hex(flags), program.length / SIZE_OF_BPF_INSTRUCTION));
        }
    }
}
