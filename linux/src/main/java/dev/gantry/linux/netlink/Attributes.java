package dev.gantry.linux.netlink;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.function.BiConsumer;

/** The attributes of a message that the kernel sent, by type. A type that occurs twice keeps its last value. */
final class Attributes {
    private static final int TYPE_MASK = 0x3fff;
    private static final int HEADER = 4;

    private final Map<Integer, byte[]> values;

    private Attributes(Map<Integer, byte[]> values) {
        this.values = values;
    }

    /** @throws IllegalArgumentException if a length points outside of {@code bytes} */
    static Attributes parse(byte[] bytes, int from) {
        Map<Integer, byte[]> values = new HashMap<>();
        forEach(bytes, from, values::put);
        return new Attributes(values);
    }

    /** For lists, where one type occurs many times. */
    static void forEach(byte[] bytes, BiConsumer<Integer, byte[]> action) {
        forEach(bytes, 0, action);
    }

    private static void forEach(byte[] bytes, int from, BiConsumer<Integer, byte[]> action) {
        ByteBuffer buffer = ByteBuffer.wrap(bytes).order(ByteOrder.nativeOrder());
        int at = from;
        while (at + HEADER <= bytes.length) {
            int length = Short.toUnsignedInt(buffer.getShort(at));
            if (length < HEADER || at + length > bytes.length) {
                throw new IllegalArgumentException(
                        "netlink attribute at byte " + at + " of " + bytes.length + " claims " + length + " bytes");
            }
            action.accept(
                    Short.toUnsignedInt(buffer.getShort(at + 2)) & TYPE_MASK,
                    Arrays.copyOfRange(bytes, at + HEADER, at + length));
            at += (length + 3) & ~3;
        }
    }

    Optional<byte[]> bytes(int type) {
        return Optional.ofNullable(values.get(type));
    }

    Optional<String> string(int type) {
        return bytes(type).map(value -> {
            int end = value.length;
            while (end > 0 && value[end - 1] == 0) {
                end--;
            }
            return new String(value, 0, end, StandardCharsets.UTF_8);
        });
    }

    OptionalInt u32(int type) {
        byte[] value = values.get(type);
        return value == null || value.length < 4
                ? OptionalInt.empty()
                : OptionalInt.of(reader(value).getInt());
    }

    OptionalInt bigU32(int type) {
        byte[] value = values.get(type);
        return value == null || value.length < 4
                ? OptionalInt.empty()
                : OptionalInt.of(ByteBuffer.wrap(value).getInt());
    }

    Attributes nested(int type) {
        byte[] value = values.get(type);
        return value == null ? new Attributes(Map.of()) : parse(value, 0);
    }

    static ByteBuffer reader(byte[] bytes) {
        return ByteBuffer.wrap(bytes).order(ByteOrder.nativeOrder());
    }
}
