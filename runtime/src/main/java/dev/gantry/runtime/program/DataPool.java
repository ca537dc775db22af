package dev.gantry.runtime.program;

import dev.gantry.linux.RawName;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** A program's data: strings, structures and buffers, with pointers between them. What is equal is stored once. */
final class DataPool {
    private final Map<ByteBuffer, Integer> known = new HashMap<>();
    private final List<Integer> relocations = new ArrayList<>();
    private byte[] bytes = new byte[4096];
    private int size;

    /** Zeroed space, aligned for any type; returns its offset. */
    int reserve(int length) {
        int offset = ProgramBuilder.aligned(size);
        ensure(offset + (long) length);
        size = offset + length;
        return offset;
    }

    int intern(byte[] content) {
        ByteBuffer key = ByteBuffer.wrap(content.clone());
        Integer offset = known.get(key);
        if (offset == null) {
            offset = reserve(content.length);
            System.arraycopy(content, 0, bytes, offset, content.length);
            known.put(key, offset);
        }
        return offset;
    }

    /** With a NUL at its end, hence none inside. */
    int internString(String text) {
        if (text.indexOf('\0') >= 0) {
            throw new IllegalArgumentException("NUL inside " + ProgramBuilder.quote(text));
        }
        byte[] content = RawName.encode(text);
        return intern(Arrays.copyOf(content, content.length + 1));
    }

    void putShort(int offset, int value) {
        buffer().putShort(offset, (short) value);
    }

    /** Lets the eight bytes at {@code offset} be, in the process, the address of what is at {@code target}. */
    void pointer(int offset, int target) {
        buffer().putLong(offset, target);
        relocations.add(offset);
    }

    byte[] bytes() {
        return Arrays.copyOf(bytes, size);
    }

    int[] relocations() {
        return relocations.stream().mapToInt(Integer::intValue).toArray();
    }

    private ByteBuffer buffer() {
        return ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
    }

    private void ensure(long needed) {
        if (needed > ProgramFormat.MAX_BYTES) {
            throw new IllegalArgumentException("program has more than " + ProgramFormat.MAX_BYTES + " bytes of data");
        }
        if (needed > bytes.length) {
            bytes = Arrays.copyOf(bytes, (int) Math.max(needed, bytes.length * 2L));
        }
    }
}
