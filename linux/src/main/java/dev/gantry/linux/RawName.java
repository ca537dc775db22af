package dev.gantry.linux;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharsetDecoder;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;

/**
 * File names are bytes, strings are not. A byte 0x80 to 0xff that is not part of valid UTF-8 becomes the lone surrogate
 * U+DC80 to U+DCFF and back (the convention of Python's PEP 383), so that every name survives the way through a string.
 * All calls of this package take and give names so.
 */
public final class RawName {
    private RawName() {}

    public static String decode(byte[] name) {
        return decode(name, 0, name.length);
    }

    public static String decode(byte[] name, int offset, int length) {
        for (int i = offset; i < offset + length; i++) {
            if (name[i] < 0) {
                return decodeUtf8(ByteBuffer.wrap(name, offset, length));
            }
        }
        return new String(name, offset, length, StandardCharsets.ISO_8859_1);
    }

    public static byte[] encode(String name) {
        for (int i = 0; i < name.length(); i++) {
            if (isEscape(name.charAt(i))) {
                return encodeEscapes(name);
            }
        }
        return name.getBytes(StandardCharsets.UTF_8);
    }

    private static String decodeUtf8(ByteBuffer bytes) {
        CharsetDecoder decoder = StandardCharsets.UTF_8
                .newDecoder()
                .onMalformedInput(CodingErrorAction.REPORT)
                .onUnmappableCharacter(CodingErrorAction.REPORT);
        CharBuffer chars = CharBuffer.allocate(bytes.remaining());
        while (decoder.decode(bytes, chars, true).isError()) {
            chars.put((char) (0xdc00 + (bytes.get() & 0xff)));
            decoder.reset();
        }
        return chars.flip().toString();
    }

    private static byte[] encodeEscapes(String name) {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream(name.length() + 16);
        int plainFrom = 0;
        for (int i = 0; i < name.length(); i++) {
            // the low half of a pair is no escape
            if (isEscape(name.charAt(i)) && !(i > plainFrom && Character.isHighSurrogate(name.charAt(i - 1)))) {
                bytes.writeBytes(name.substring(plainFrom, i).getBytes(StandardCharsets.UTF_8));
                bytes.write(name.charAt(i) - 0xdc00);
                plainFrom = i + 1;
            }
        }
        bytes.writeBytes(name.substring(plainFrom).getBytes(StandardCharsets.UTF_8));
        return bytes.toByteArray();
    }

    private static boolean isEscape(char c) {
        return c >= 0xdc80 && c <= 0xdcff;
    }
}
