package dev.gantry.linux.netlink;

import dev.gantry.linux.Errno;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Requests about the flows that the kernel remembers: {@code IPCTNL_MSG_CT_…} of linux/netfilter/nfnetlink_conntrack.h.
 */
public final class Conntrack {
    /** NFNL_SUBSYS_CTNETLINK, in the upper byte of a message's type. */
    private static final int SUBSYSTEM = 1;

    private static final int IPCTNL_MSG_CT_NEW = 0;
    private static final int IPCTNL_MSG_CT_GET = 1;
    private static final int IPCTNL_MSG_CT_DELETE = 2;
    private static final int CTA_TUPLE_ORIG = 1;
    private static final int CTA_ID = 12;
    private static final int CTA_FILTER = 25;
    private static final int CTA_FILTER_ORIG_FLAGS = 1;
    private static final int CTA_FILTER_REPLY_FLAGS = 2;
    private static final int CTA_FILTER_F_CTA_PROTO_NUM = 1 << 3;
    private static final int CTA_FILTER_F_CTA_PROTO_DST_PORT = 1 << 5;
    private static final int CTA_TUPLE_PROTO = 2;
    private static final int CTA_PROTO_NUM = 1;
    private static final int CTA_PROTO_SRC_PORT = 2;
    private static final int CTA_PROTO_DST_PORT = 3;
    private static final int INFO = 4;

    private Conntrack() {}

    /**
     * The flows that were opened towards a port. The kernel selects them, from 5.8 on.
     *
     * @param protocol as IANA numbers them: 17 is UDP
     */
    public static NetlinkRequest list(boolean ipv6, int protocol, int destinationPort) {
        byte[] body = info(ipv6)
                .nested(
                        CTA_TUPLE_ORIG,
                        tuple -> tuple.nested(
                                CTA_TUPLE_PROTO,
                                proto -> proto.u8(CTA_PROTO_NUM, protocol)
                                        .bytes(CTA_PROTO_SRC_PORT, (byte) 0, (byte) 0)
                                        .bytes(CTA_PROTO_DST_PORT, (byte) (destinationPort >>> 8), (byte)
                                                destinationPort)))
                .nested(
                        CTA_FILTER,
                        filter -> filter.u32(
                                        CTA_FILTER_ORIG_FLAGS,
                                        CTA_FILTER_F_CTA_PROTO_NUM | CTA_FILTER_F_CTA_PROTO_DST_PORT)
                                .u32(CTA_FILTER_REPLY_FLAGS, 0))
                .toBytes();
        return new NetlinkRequest(
                "list flows to port " + destinationPort,
                SUBSYSTEM << 8 | IPCTNL_MSG_CT_GET,
                NetlinkRequest.NLM_F_DUMP,
                body);
    }

    /** Makes the kernel forget the flows among the answers to {@link #list}: their next packet is a new flow's first. */
    public static List<NetlinkRequest> delete(boolean ipv6, List<NetlinkData> flows) {
        List<NetlinkRequest> requests = new ArrayList<>();
        for (NetlinkData flow : flows) {
            Attributes attributes = Attributes.parse(flow.body(), INFO);
            Optional<byte[]> tuple = attributes.bytes(CTA_TUPLE_ORIG);
            if (flow.type() != (SUBSYSTEM << 8 | IPCTNL_MSG_CT_NEW) || tuple.isEmpty()) {
                continue;
            }
            AttributeWriter body = info(ipv6).nestedBytes(CTA_TUPLE_ORIG, tuple.get());
            attributes.bytes(CTA_ID).ifPresent(id -> body.bytes(CTA_ID, id));
            requests.add(new NetlinkRequest("delete a flow", SUBSYSTEM << 8 | IPCTNL_MSG_CT_DELETE, 0, body.toBytes())
                    .tolerating(Errno.ENOENT));
        }
        return requests;
    }

    /** {@code struct nfgenmsg}. */
    private static AttributeWriter info(boolean ipv6) {
        return new AttributeWriter()
                .rawU8(ipv6 ? Addresses.AF_INET6 : Addresses.AF_INET)
                .rawU8(0)
                .rawU16(0);
    }
}
