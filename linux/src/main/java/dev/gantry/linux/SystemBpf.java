package dev.gantry.linux;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** union bpf_attr of linux/bpf.h; the same on all machines. */
final class SystemBpf implements BpfCalls {
    private static final int BPF_PROG_LOAD = 5;
    private static final int BPF_PROG_ATTACH = 8;
    private static final int BPF_PROG_DETACH = 9;
    private static final int BPF_PROG_GET_FD_BY_ID = 13;
    private static final int BPF_PROG_QUERY = 16;
    private static final int SIZE_OF_ATTR = 72;
    private static final int BPF_OBJ_NAME_LEN = 16;
    private static final int SIZE_OF_INSTRUCTION = 8;
    private static final int LOG_BYTES = 32 << 10;
    private static final int MAX_PROGRAMS = 64;

    @Override
    public Fd progLoad(int type, byte[] instructions, String license, String name) throws ErrnoException {
        try (Scratch scratch = Scratch.open()) {
            Scratch.Block attr = scratch.zeroed(SIZE_OF_ATTR);
            attr.putInt(0, type);
            attr.putInt(4, instructions.length / SIZE_OF_INSTRUCTION);
            attr.putLong(8, scratch.bytes(instructions).address());
            attr.putLong(16, scratch.string(license));
            byte[] shortName = RawName.encode(name);
            attr.put(48, shortName, 0, Math.min(shortName.length, BPF_OBJ_NAME_LEN - 1));
            long result = bpf(BPF_PROG_LOAD, attr);
            return Kernel.isError(result) ? loadWithLog(attr, scratch, name) : Fd.of((int) result);
        }
    }

    /** Once more, with the verifier telling why. */
    private static Fd loadWithLog(Scratch.Block attr, Scratch scratch, String name) throws ErrnoException {
        Scratch.Block log = scratch.zeroed(LOG_BYTES);
        attr.putInt(24, 1);
        attr.putInt(28, LOG_BYTES);
        attr.putLong(32, log.address());
        long result = bpf(BPF_PROG_LOAD, attr);
        if (Kernel.isError(result)) {
            throw new ErrnoException(
                    "bpf(BPF_PROG_LOAD, %s, %d instructions)".formatted(Kernel.quote(name), attr.getInt(4)),
                    (int) -result,
                    log.string(0, LOG_BYTES).strip());
        }
        return Fd.of((int) result);
    }

    @Override
    public void progAttach(Fd cgroup, Fd program, int attachType, int flags, @Nullable Fd replaced)
            throws ErrnoException {
        try (Scratch scratch = Scratch.open()) {
            Scratch.Block attr = scratch.zeroed(SIZE_OF_ATTR);
            attr.putInt(0, cgroup.number());
            attr.putInt(4, program.number());
            attr.putInt(8, attachType);
            attr.putInt(12, flags);
            attr.putInt(16, replaced == null ? 0 : replaced.number());
            Kernel.check(
                    bpf(BPF_PROG_ATTACH, attr),
                    () -> "bpf(BPF_PROG_ATTACH, %s, type %d, %s)"
                            .formatted(Kernel.describe(cgroup), attachType, Kernel.hex(flags)));
        }
    }

    @Override
    public void progDetach(Fd cgroup, Fd program, int attachType) throws ErrnoException {
        try (Scratch scratch = Scratch.open()) {
            Scratch.Block attr = scratch.zeroed(SIZE_OF_ATTR);
            attr.putInt(0, cgroup.number());
            attr.putInt(4, program.number());
            attr.putInt(8, attachType);
            Kernel.check(
                    bpf(BPF_PROG_DETACH, attr),
                    () -> "bpf(BPF_PROG_DETACH, %s, type %d)".formatted(Kernel.describe(cgroup), attachType));
        }
    }

    @Override
    public List<Integer> progQuery(Fd cgroup, int attachType) throws ErrnoException {
        try (Scratch scratch = Scratch.open()) {
            Scratch.Block ids = scratch.zeroed(MAX_PROGRAMS * 4);
            Scratch.Block attr = scratch.zeroed(SIZE_OF_ATTR);
            attr.putInt(0, cgroup.number());
            attr.putInt(4, attachType);
            attr.putLong(16, ids.address());
            attr.putInt(24, MAX_PROGRAMS);
            Kernel.check(
                    bpf(BPF_PROG_QUERY, attr),
                    () -> "bpf(BPF_PROG_QUERY, %s, type %d)".formatted(Kernel.describe(cgroup), attachType));
            List<Integer> found = new ArrayList<>();
            for (int i = 0; i < attr.getInt(24); i++) {
                found.add(ids.getInt(4 * i));
            }
            return found;
        }
    }

    @Override
    public Fd progGetFdById(int id) throws ErrnoException {
        try (Scratch scratch = Scratch.open()) {
            Scratch.Block attr = scratch.zeroed(SIZE_OF_ATTR);
            attr.putInt(0, id);
            return Kernel.checkFd(
                    bpf(BPF_PROG_GET_FD_BY_ID, attr), () -> "bpf(BPF_PROG_GET_FD_BY_ID, %d)".formatted(id));
        }
    }

    private static long bpf(int command, Scratch.Block attr) {
        return Kernel.raw(Syscall.BPF, command, attr.address(), SIZE_OF_ATTR);
    }
}
