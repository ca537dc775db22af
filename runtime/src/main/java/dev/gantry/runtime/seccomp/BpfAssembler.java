package dev.gantry.runtime.seccomp;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;

/**
 * Writes classic BPF from its last instruction to its first, so that every jump target is known when the jump is
 * written: jumps only go forward, and a conditional one reaches 255 instructions, beyond which an unconditional jump is
 * put between.
 */
final class BpfAssembler {
    // linux/bpf_common.h
    private static final int LD_W_ABS = 0x20;
    private static final int ALU_AND_K = 0x54;
    private static final int JMP_JA = 0x05;
    static final int JMP_JEQ_K = 0x15;
    static final int JMP_JGT_K = 0x25;
    static final int JMP_JGE_K = 0x35;
    private static final int RET_K = 0x06;

    /** BPF_MAXINSNS, linux/bpf_common.h. */
    static final int MAX_INSTRUCTIONS = 4096;

    private record Instruction(int code, int jumpTrue, int jumpFalse, int operand) {}

    private final List<Instruction> reversed = new ArrayList<>();

    /** Names the instruction written last, i.e. the one that follows whatever is written next. */
    int here() {
        return reversed.size();
    }

    int ret(int value) {
        return add(RET_K, 0, 0, value);
    }

    int load(int offset) {
        return add(LD_W_ABS, 0, 0, offset);
    }

    int and(int mask) {
        return add(ALU_AND_K, 0, 0, mask);
    }

    int jump(int target) {
        return add(JMP_JA, 0, 0, here() - target);
    }

    /** Jumps to one of two labels; each may be far away. */
    int branch(int code, int operand, int ifTrue, int ifFalse) {
        // The farther of the two moves when a trampoline for the other is put in: look at the worst case first.
        int trueLabel = here() - ifTrue > 254 ? jump(ifTrue) : ifTrue;
        int falseLabel = here() - ifFalse > 255 ? jump(ifFalse) : ifFalse;
        return add(code, here() - trueLabel, here() - falseLabel, operand);
    }

    private int add(int code, int jumpTrue, int jumpFalse, int operand) {
        reversed.add(new Instruction(code, jumpTrue, jumpFalse, operand));
        return here();
    }

    /** An array of {@code struct sock_filter} in the byte order of both supported architectures. */
    byte[] bytes() {
        if (reversed.size() > MAX_INSTRUCTIONS) {
            throw new IllegalArgumentException("a seccomp filter of %d instructions: the kernel takes %d"
                    .formatted(reversed.size(), MAX_INSTRUCTIONS));
        }
        ByteBuffer out = ByteBuffer.allocate(reversed.size() * 8).order(ByteOrder.LITTLE_ENDIAN);
        for (int i = reversed.size() - 1; i >= 0; i--) {
            Instruction instruction = reversed.get(i);
            out.putShort((short) instruction.code);
            out.put((byte) instruction.jumpTrue);
            out.put((byte) instruction.jumpFalse);
            out.putInt(instruction.operand);
        }
        return out.array();
    }
}
