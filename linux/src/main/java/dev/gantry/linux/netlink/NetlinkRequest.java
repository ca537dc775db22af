package dev.gantry.linux.netlink;

import dev.gantry.linux.Errno;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.EnumSet;
import java.util.Set;

/**
 * One message to the kernel.
 *
 * @param what the request in words, for errors: {@code create bridge gantry0}
 * @param type {@code RTM_…}, or subsystem and {@code NFT_MSG_…}
 * @param flags {@code NLM_F_…}; the socket adds the request for an answer
 * @param body what follows the header: the family's structure and the attributes
 * @param tolerated answers that are as good as success, e.g. EEXIST
 */
@SuppressWarnings("ArrayRecordComponent") // bytes in transit, never compared
public record NetlinkRequest(String what, int type, int flags, byte[] body, Set<Errno> tolerated) {
    static final int HEADER = 16;
    static final int NLM_F_REQUEST = 0x1;
    static final int NLM_F_ACK = 0x4;
    static final int NLM_F_DUMP = 0x300;
    static final int NLM_F_EXCL = 0x200;
    static final int NLM_F_CREATE = 0x400;
    static final int NLM_F_APPEND = 0x800;

    NetlinkRequest(String what, int type, int flags, byte[] body) {
        this(what, type, flags, body, Set.of());
    }

    public NetlinkRequest tolerating(Errno first, Errno... others) {
        return new NetlinkRequest(what, type, flags, body, Set.copyOf(EnumSet.of(first, others)));
    }

    /** The message as it travels, with the header in front and padded to 4 bytes. */
    byte[] encode(int sequence, int extraFlags) {
        int length = HEADER + body.length;
        return ByteBuffer.allocate((length + 3) & ~3)
                .order(ByteOrder.nativeOrder())
                .putInt(length)
                .putShort((short) type)
                .putShort((short) (flags | NLM_F_REQUEST | extraFlags))
                .putInt(sequence)
                .putInt(0)
                .put(body)
                .array();
    }

    @Override
    public String toString() {
        return what;
    }
}
