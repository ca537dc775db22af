package dev.gantry.linux.netlink;

import dev.gantry.linux.Errno;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/**
 * One message from the kernel, without its header.
 *
 * @param port of the socket that it answers, or, in a notification, that made the change
 */
@SuppressWarnings("ArrayRecordComponent") // bytes in transit, never compared
record NetlinkReply(int type, int flags, int sequence, int port, byte[] body) {
    static final int NLMSG_NOOP = 1;
    static final int NLMSG_ERROR = 2;
    static final int NLMSG_DONE = 3;
    static final int NLM_F_MULTI = 0x2;
    static final int NLM_F_DUMP_INTR = 0x10;

    private static final int NLM_F_CAPPED = 0x100;
    private static final int NLM_F_ACK_TLVS = 0x200;
    private static final int NLMSGERR_ATTR_MSG = 1;

    /** Splits one datagram. */
    static List<NetlinkReply> parse(byte[] datagram) {
        List<NetlinkReply> replies = new ArrayList<>();
        ByteBuffer buffer = ByteBuffer.wrap(datagram).order(ByteOrder.nativeOrder());
        int at = 0;
        while (at + NetlinkRequest.HEADER <= datagram.length) {
            int length = buffer.getInt(at);
            if (length < NetlinkRequest.HEADER || length > datagram.length - at) {
                throw new IllegalArgumentException(
                        "netlink message at byte " + at + " of " + datagram.length + " claims " + length + " bytes");
            }
            replies.add(new NetlinkReply(
                    Short.toUnsignedInt(buffer.getShort(at + 4)),
                    Short.toUnsignedInt(buffer.getShort(at + 6)),
                    buffer.getInt(at + 8),
                    buffer.getInt(at + 12),
                    Arrays.copyOfRange(datagram, at + NetlinkRequest.HEADER, at + length)));
            at += (length + 3) & ~3;
        }
        return replies;
    }

    boolean isError() {
        return type == NLMSG_ERROR;
    }

    boolean endsDump() {
        return type == NLMSG_DONE;
    }

    /** The number in an error or at the end of a dump; 0 is success. */
    int errno() {
        return body.length < 4 ? Errno.EIO.number() : -Attributes.reader(body).getInt();
    }

    /** What the kernel says beside the number, e.g. "Device does not exist" (NETLINK_EXT_ACK). */
    Optional<String> explanation() {
        if (!isError() || (flags & NLM_F_ACK_TLVS) == 0 || body.length < 4 + NetlinkRequest.HEADER) {
            return Optional.empty();
        }
        int echoed = (flags & NLM_F_CAPPED) != 0
                ? NetlinkRequest.HEADER
                : (Attributes.reader(body).getInt(4) + 3) & ~3;
        if (echoed < 0 || 4 + echoed > body.length) {
            return Optional.empty();
        }
        return Attributes.parse(body, 4 + echoed).string(NLMSGERR_ATTR_MSG);
    }
}
