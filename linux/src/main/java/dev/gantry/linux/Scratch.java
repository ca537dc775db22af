package dev.gantry.linux;

import com.sun.jna.Native;
import com.sun.jna.Pointer;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.concurrent.ConcurrentLinkedDeque;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * Native memory for the operands of one call. Taken from a small pool and put back on close, so that neither a call nor
 * a short-lived thread allocates.
 */
final class Scratch implements AutoCloseable {
    static final int BYTES = 64 << 10;
    private static final int POOLED = 16;

    private static final ConcurrentLinkedDeque<Scratch> POOL = new ConcurrentLinkedDeque<>();
    private static final AtomicInteger POOL_SIZE = new AtomicInteger();

    private final ByteBuffer memory = ByteBuffer.allocateDirect(BYTES).order(ByteOrder.nativeOrder());
    private final long address = address(memory);
    private final List<ByteBuffer> oversized = new ArrayList<>();
    private int used;

    private Scratch() {}

    static Scratch open() {
        Scratch pooled = POOL.pollFirst();
        if (pooled == null) {
            return new Scratch();
        }
        POOL_SIZE.decrementAndGet();
        return pooled;
    }

    /** Where a direct buffer begins, whatever its position. */
    static long address(ByteBuffer direct) {
        return Pointer.nativeValue(Native.getDirectBufferPointer(direct));
    }

    /** Memory of undefined content, aligned to 8 bytes, valid until this is closed. */
    Block allocate(int size) {
        int start = used;
        if (size <= BYTES - start) {
            used = Math.min(BYTES, start + ((size + 7) & ~7));
            return new Block(memory, start, address + start, size);
        }
        ByteBuffer own = ByteBuffer.allocateDirect(Math.max(size, 1)).order(ByteOrder.nativeOrder());
        oversized.add(own);
        return new Block(own, 0, address(own), size);
    }

    /** Memory that is all zero. */
    Block zeroed(int size) {
        Block block = allocate(size);
        block.clear();
        return block;
    }

    /** What is left without allocating, in bytes. */
    int remaining() {
        return BYTES - used;
    }

    /** The address of a copy that ends with a NUL. */
    long string(String text) throws ErrnoException {
        byte[] bytes = RawName.encode(text);
        for (byte b : bytes) {
            if (b == 0) {
                throw new ErrnoException("name with a NUL byte, " + Kernel.quote(text), Errno.EINVAL);
            }
        }
        Block block = allocate(bytes.length + 1);
        block.put(0, bytes, 0, bytes.length);
        block.putByte(bytes.length, 0);
        return block.address();
    }

    /** 0, which is NULL, for null. */
    long nullableString(@Nullable String text) throws ErrnoException {
        return text == null ? 0 : string(text);
    }

    Block bytes(byte[] bytes) {
        Block block = allocate(bytes.length);
        block.put(0, bytes, 0, bytes.length);
        return block;
    }

    /** Pointers to copies of the strings and a NULL, as execve takes them. */
    long strings(Collection<String> texts) throws ErrnoException {
        Block pointers = allocate((texts.size() + 1) * 8);
        int offset = 0;
        for (String text : texts) {
            pointers.putLong(offset, string(text));
            offset += 8;
        }
        pointers.putLong(offset, 0);
        return pointers.address();
    }

    @Override
    public void close() {
        used = 0;
        oversized.clear();
        if (POOL_SIZE.incrementAndGet() <= POOLED) {
            POOL.addFirst(this);
        } else {
            POOL_SIZE.decrementAndGet();
        }
    }

    /** A piece of native memory. */
    static final class Block {
        private final ByteBuffer memory;
        private final int start;
        private final long address;
        private final int size;

        private Block(ByteBuffer memory, int start, long address, int size) {
            this.memory = memory;
            this.start = start;
            this.address = address;
            this.size = size;
        }

        long address() {
            return address;
        }

        int size() {
            return size;
        }

        void clear() {
            int at = start;
            for (; at + 8 <= start + size; at += 8) {
                memory.putLong(at, 0);
            }
            for (; at < start + size; at++) {
                memory.put(at, (byte) 0);
            }
        }

        void put(int offset, byte[] from, int fromOffset, int length) {
            memory.put(start + offset, from, fromOffset, length);
        }

        void put(int offset, ByteBuffer from, int fromPosition, int length) {
            memory.put(start + offset, from, fromPosition, length);
        }

        void putByte(int offset, int value) {
            memory.put(start + offset, (byte) value);
        }

        void putInt(int offset, int value) {
            memory.putInt(start + offset, value);
        }

        void putLong(int offset, long value) {
            memory.putLong(start + offset, value);
        }

        byte getByte(int offset) {
            return memory.get(start + offset);
        }

        int getShort(int offset) {
            return memory.getShort(start + offset) & 0xffff;
        }

        int getInt(int offset) {
            return memory.getInt(start + offset);
        }

        long getLong(int offset) {
            return memory.getLong(start + offset);
        }

        void get(int offset, byte[] to, int toOffset, int length) {
            memory.get(start + offset, to, toOffset, length);
        }

        byte[] get(int offset, int length) {
            byte[] bytes = new byte[length];
            get(offset, bytes, 0, length);
            return bytes;
        }

        /** Bytes up to the first NUL, or to the limit. */
        String string(int offset, int limit) {
            int length = 0;
            while (length < limit && getByte(offset + length) != 0) {
                length++;
            }
            return RawName.decode(get(offset, length));
        }
    }
}
