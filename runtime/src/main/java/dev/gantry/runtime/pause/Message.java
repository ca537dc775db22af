package dev.gantry.runtime.pause;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;

/** The bytes of requests, as docs/pause.md describes them and protocol.h declares them. */
final class Message {
    static final int PROTOCOL_VERSION = 1;
    static final int MAX_BYTES = 1024;
    static final int MAX_FDS = 72;
    static final int HEAD_BYTES = 80;
    static final int ID_MAP_BYTES = 64;

    static final int LAUNCH = 1;
    static final int HELLO = 2;
    static final int SETUP = 3;
    static final int START = 4;
    static final int STATE = 5;
    static final int ACK = 6;
    static final int ROTATE = 7;
    static final int ATTACH = 8;
    static final int STDIN = 9;
    static final int CLOSE_STDIN = 10;
    static final int RESIZE = 11;
    static final int REPLY = 0x100;
    static final int EVENT_EXIT = 0x201;
    static final int EVENT_LOG = 0x202;
    static final int EVENT_CUT = 0x203;

    static final int STDIO_NULL = 0;
    static final int STDIO_LOGGED = 1;
    static final int STDIO_PASSED = 2;
    static final int STDIO_TERMINAL = 3;
    static final int STDIO_TERMINAL_PASSED = 4;
    static final int START_STDIN = 1;
    static final int START_CGROUP = 2;
    static final int START_LOG = 4;
    static final int STREAM_OUT = 1;
    static final int STREAM_ERR = 2;

    private static final int ID_OFFSET = 8;

    private Message() {}

    /** A request with {@code bodyBytes} after its head; the buffer's position is where the body begins. */
    static ByteBuffer request(int type, int tag, String id, int bodyBytes) {
        ByteBuffer bytes = ByteBuffer.allocate(HEAD_BYTES + bodyBytes).order(ByteOrder.LITTLE_ENDIAN);
        bytes.putInt(type).putInt(tag).put(id.getBytes(StandardCharsets.UTF_8));
        return bytes.position(HEAD_BYTES);
    }

    static int type(ByteBuffer message) {
        return message.getInt(0);
    }

    static int tag(ByteBuffer message) {
        return message.getInt(4);
    }

    static String id(ByteBuffer message) {
        int length = 0;
        while (length < ProcessSpec.MAX_ID_BYTES && message.get(ID_OFFSET + length) != 0) {
            length++;
        }
        byte[] id = new byte[length];
        message.get(ID_OFFSET, id);
        return new String(id, StandardCharsets.UTF_8);
    }

    /** Why the request was refused; 0 if it was not. */
    static int error(ByteBuffer message) {
        return message.getInt(72);
    }

    /** What pause was doing when it failed, in words. */
    static String where(ByteBuffer message) {
        return switch (message.getInt(76)) {
            case 1 -> "check of its program";
            case 2 -> "pipes for its output";
            case 3 -> "clone3 into its namespaces and cgroup";
            case 4 -> "namespaces with users of their own";
            default -> "request";
        };
    }
}
