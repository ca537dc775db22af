package dev.gantry.runtime.program;

import dev.gantry.linux.Architecture;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;

/** The bytes of a program, as docs/pause.md describes them and program.c reads them. */
final class ProgramFormat {
    static final int MAGIC = 0x31_52_50_47; // "GPR1"
    static final int VERSION = 1;
    static final int HEADER_BYTES = 32;
    static final int STEP_BYTES = 80;
    static final int MAX_STEPS = 4096;
    static final int MAX_SLOTS = 4096;
    static final int MAX_PASSED_FDS = 64;
    static final int MAX_BYTES = 8 << 20;
    static final int NO_SLOT = 0xffff;

    static final int OP_SYSCALL = 0;
    static final int OP_JUMP = 1;
    static final int OP_CHECK = 2;
    static final int OP_FAIL = 3;
    static final int OP_FORK = 4;
    static final int OP_TERMINAL = 5;
    static final int OP_STORE = 6;

    private static final int SILENT = 0x8000;
    private static final int MAX_ARGS = 6;
    private static final int EM_X86_64 = 62;
    private static final int EM_AARCH64 = 183;

    private ProgramFormat() {}

    static byte[] encode(
            Architecture architecture, List<Step> steps, int[] relocations, byte[] data, int slots, int passedFds) {
        int relocationBytes = (relocations.length * Integer.BYTES + 7) & ~7;
        long size = HEADER_BYTES + (long) steps.size() * STEP_BYTES + relocationBytes + data.length;
        if (size > MAX_BYTES) {
            throw new IllegalArgumentException("program has " + size + " bytes, more than " + MAX_BYTES);
        }
        ByteBuffer bytes = ByteBuffer.allocate((int) size).order(ByteOrder.LITTLE_ENDIAN);
        bytes.putInt(MAGIC).putShort((short) VERSION);
        bytes.putShort((short) (architecture == Architecture.X86_64 ? EM_X86_64 : EM_AARCH64));
        bytes.putInt(steps.size()).putInt(relocations.length).putInt(data.length);
        bytes.putShort((short) slots).putShort((short) passedFds).putLong(0);
        Writer writer = new Writer(bytes);
        for (int i = 0; i < steps.size(); i++) {
            steps.get(i).encode(writer, i);
        }
        int end = bytes.position() + relocationBytes;
        for (int relocation : relocations) {
            bytes.putInt(relocation);
        }
        return bytes.position(end).put(data).array();
    }

    /** Writes steps: u16 op, u16 syscall, u16 result, u8 kind[6], (u16 errno, u16 target)[4], pad, u64 arg[6]. */
    static final class Writer {
        private static final int KINDS = 6;
        private static final int TOLERATED = 12;
        private static final int ARGS = 32;

        private final ByteBuffer bytes;
        private int start;
        private int args;
        private int errors;

        Writer(ByteBuffer bytes) {
            this.bytes = bytes;
        }

        void beginStep(int op, int syscall, int resultSlot) {
            start = bytes.position();
            args = 0;
            errors = 0;
            bytes.putShort((short) op).putShort((short) syscall).putShort((short) resultSlot);
        }

        void tolerated(int errno, boolean silent, int target) {
            int at = start + TOLERATED + errors++ * 2 * Short.BYTES;
            bytes.putShort(at, (short) (silent ? errno | SILENT : errno)).putShort(at + Short.BYTES, (short) target);
        }

        void arg(Arg arg) {
            if (args == MAX_ARGS) {
                throw new IllegalStateException("a system call has at most " + MAX_ARGS + " arguments");
            }
            bytes.put(start + KINDS + args, (byte) arg.kind());
            bytes.putLong(start + ARGS + args * Long.BYTES, arg.value());
            args++;
        }

        void endStep() {
            bytes.position(start + STEP_BYTES);
        }
    }
}
