package dev.gantry.linux.bpf;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;

/**
 * Puts an eBPF program together, instruction by instruction. Registers are 0 to 10; a program returns what is in 0 and
 * starts with its context in 1.
 *
 * @see <a href="https://docs.kernel.org/bpf/standardization/instruction-set.html">the instruction set</a>
 */
public final class BpfProgram {
    private static final int BPF_LDX_MEM_W = 0x61;
    private static final int BPF_ALU64_MOV_X = 0xbf;
    private static final int BPF_ALU64_MOV_K = 0xb7;
    private static final int BPF_ALU64_AND_K = 0x57;
    private static final int BPF_ALU64_RSH_K = 0x77;
    private static final int BPF_JMP_JA = 0x05;
    private static final int BPF_JMP_JNE_K = 0x55;
    private static final int BPF_JMP_JSET_K = 0x45;
    private static final int BPF_JMP_EXIT = 0x95;
    private static final int SIZE_OF_INSTRUCTION = 8;

    private final List<Instruction> instructions = new ArrayList<>();

    /** A place to jump to, forward only. */
    public static final class Label {
        private int at = -1;

        private Label() {}
    }

    private record Instruction(int code, int to, int from, int offset, int immediate, List<Label> target) {}

    public Label label() {
        return new Label();
    }

    /** Says that the label means the next instruction. */
    public BpfProgram place(Label label) {
        if (label.at >= 0) {
            throw new IllegalStateException("label is placed twice");
        }
        label.at = instructions.size();
        return this;
    }

    /** to = 32 bits at from + offset. */
    public BpfProgram loadWord(int to, int from, int offset) {
        return add(BPF_LDX_MEM_W, to, from, offset, 0, List.of());
    }

    public BpfProgram move(int to, int from) {
        return add(BPF_ALU64_MOV_X, to, from, 0, 0, List.of());
    }

    public BpfProgram moveImmediate(int to, int value) {
        return add(BPF_ALU64_MOV_K, to, 0, 0, value, List.of());
    }

    /** The mask is extended by its sign to 64 bits. */
    public BpfProgram and(int to, int mask) {
        return add(BPF_ALU64_AND_K, to, 0, 0, mask, List.of());
    }

    public BpfProgram shiftRight(int to, int bits) {
        return add(BPF_ALU64_RSH_K, to, 0, 0, bits, List.of());
    }

    public BpfProgram jump(Label target) {
        return add(BPF_JMP_JA, 0, 0, 0, 0, List.of(target));
    }

    public BpfProgram jumpIfNotEqual(int register, int value, Label target) {
        return add(BPF_JMP_JNE_K, register, 0, 0, value, List.of(target));
    }

    /** Jumps if register and mask have a bit in common. */
    public BpfProgram jumpIfAnyBit(int register, int mask, Label target) {
        return add(BPF_JMP_JSET_K, register, 0, 0, mask, List.of(target));
    }

    public BpfProgram exit() {
        return add(BPF_JMP_EXIT, 0, 0, 0, 0, List.of());
    }

    private BpfProgram add(int code, int to, int from, int offset, int immediate, List<Label> target) {
        instructions.add(new Instruction(code, to, from, offset, immediate, target));
        return this;
    }

    /** The instructions as the kernel takes them, in this machine's byte order. */
    public byte[] encode() {
        ByteBuffer bytes =
                ByteBuffer.allocate(instructions.size() * SIZE_OF_INSTRUCTION).order(ByteOrder.nativeOrder());
        for (int i = 0; i < instructions.size(); i++) {
            Instruction instruction = instructions.get(i);
            bytes.put((byte) instruction.code);
            bytes.put((byte) (instruction.from << 4 | instruction.to));
            bytes.putShort((short) offset(instruction, i));
            bytes.putInt(instruction.immediate);
        }
        return bytes.array();
    }

    private int offset(Instruction instruction, int index) {
        if (instruction.target.isEmpty()) {
            return instruction.offset;
        }
        int distance = instruction.target.get(0).at - index - 1;
        if (instruction.target.get(0).at >= instructions.size() || distance < 0 || distance > Short.MAX_VALUE) {
            throw new IllegalStateException("jump of instruction %d goes nowhere".formatted(index));
        }
        return distance;
    }
}
