package dev.gantry.runtime.seccomp;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** Runs classic BPF as the kernel would, refusing what its checker refuses. */
final class BpfInterpreter {
    private final ByteBuffer program;

    BpfInterpreter(byte[] program) {
        this.program = ByteBuffer.wrap(program).order(ByteOrder.LITTLE_ENDIAN);
    }

    int run(int arch, int nr, long... arguments) {
        ByteBuffer data = ByteBuffer.allocate(64).order(ByteOrder.LITTLE_ENDIAN);
        data.putInt(nr).putInt(arch).putLong(0);
        for (long argument : arguments) {
            data.putLong(argument);
        }
        int count = program.capacity() / 8;
        int accumulator = 0;
        for (int pc = 0; pc < count; pc++) {
            int code = program.getShort(pc * 8) & 0xffff;
            int jumpTrue = program.get(pc * 8 + 2) & 0xff;
            int jumpFalse = program.get(pc * 8 + 3) & 0xff;
            int k = program.getInt(pc * 8 + 4);
            switch (code) {
                case 0x20 -> accumulator = data.getInt(k);
                case 0x54 -> accumulator &= k;
                case 0x05 -> pc += k;
                case 0x15 -> pc += accumulator == k ? jumpTrue : jumpFalse;
                case 0x25 -> pc += Integer.compareUnsigned(accumulator, k) > 0 ? jumpTrue : jumpFalse;
                case 0x35 -> pc += Integer.compareUnsigned(accumulator, k) >= 0 ? jumpTrue : jumpFalse;
                case 0x06 -> {
                    return k;
                }
                default -> throw new AssertionError("instruction %d has code 0x%x".formatted(pc, code));
            }
        }
        throw new AssertionError("ran off the end");
    }
}
