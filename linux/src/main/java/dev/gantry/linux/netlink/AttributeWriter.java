package dev.gantry.linux.netlink;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.function.Consumer;

/**
 * Lays out a netlink message's body: fixed structures, then attributes (16-bit length, 16-bit type, value, padded to
 * 4 bytes). Numbers are in the machine's byte order, but for the {@code big…} methods, as nf_tables wants them.
 *
 * @see <a href="https://docs.kernel.org/userspace-api/netlink/intro.html">Introduction to Netlink</a>
 */
final class AttributeWriter {
    private static final int NLA_F_NESTED = 0x8000;
    private static final int HEADER = 4;
    private static final int MAX_LENGTH = 0xffff;

    private ByteBuffer buffer = ByteBuffer.allocate(256).order(ByteOrder.nativeOrder());

    byte[] toBytes() {
        return Arrays.copyOf(buffer.array(), buffer.position());
    }

    AttributeWriter rawU8(int value) {
        room(1).put((byte) value);
        return this;
    }

    AttributeWriter rawU16(int value) {
        room(2).putShort((short) value);
        return this;
    }

    AttributeWriter rawBigU16(int value) {
        return rawU8(value >>> 8).rawU8(value);
    }

    AttributeWriter rawU32(int value) {
        room(4).putInt(value);
        return this;
    }

    AttributeWriter u8(int type, int value) {
        return bytes(type, (byte) value);
    }

    AttributeWriter u16(int type, int value) {
        header(type, HEADER + 2);
        return rawU16(value).rawU16(0);
    }

    AttributeWriter u32(int type, int value) {
        header(type, HEADER + 4);
        return rawU32(value);
    }

    AttributeWriter bigU32(int type, int value) {
        return u32(type, buffer.order() == ByteOrder.BIG_ENDIAN ? value : Integer.reverseBytes(value));
    }

    /** Terminated by a zero byte, which the length counts. */
    AttributeWriter string(int type, String value) {
        return bytes(
                type,
                Arrays.copyOf(
                        value.getBytes(StandardCharsets.UTF_8), value.getBytes(StandardCharsets.UTF_8).length + 1));
    }

    AttributeWriter bytes(int type, byte... value) {
        header(type, HEADER + value.length);
        room(value.length).put(value);
        return pad();
    }

    AttributeWriter nested(int type, Consumer<AttributeWriter> content) {
        int start = buffer.position();
        header(type | NLA_F_NESTED, HEADER);
        content.accept(this);
        int length = buffer.position() - start;
        if (length > MAX_LENGTH) {
            throw new IllegalArgumentException("attribute " + type + " is longer than 65535 bytes: " + length);
        }
        buffer.putShort(start, (short) length);
        return this;
    }

    /** Attributes that the kernel has laid out. */
    AttributeWriter nestedBytes(int type, byte... content) {
        return bytes(type | NLA_F_NESTED, content);
    }

    private void header(int type, int length) {
        if (length > MAX_LENGTH) {
            throw new IllegalArgumentException("attribute " + type + " is longer than 65535 bytes: " + length);
        }
        rawU16(length).rawU16(type);
    }

    private AttributeWriter pad() {
        while (buffer.position() % 4 != 0) {
            rawU8(0);
        }
        return this;
    }

    private ByteBuffer room(int bytes) {
        if (buffer.remaining() < bytes) {
            byte[] larger = Arrays.copyOf(buffer.array(), Math.max(buffer.capacity() * 2, buffer.position() + bytes));
            buffer = ByteBuffer.wrap(larger).order(ByteOrder.nativeOrder()).position(buffer.position());
        }
        return buffer;
    }
}
