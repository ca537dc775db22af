package dev.gantry.linux.netlink;

import java.net.InetAddress;
import java.util.ArrayList;
import java.util.List;

/**
 * Requests about the addresses of interfaces: {@code RTM_NEWADDR} and its kin.
 *
 * @see <a href="https://man7.org/linux/man-pages/man7/rtnetlink.7.html">rtnetlink(7)</a>
 */
public final class Addresses {
    static final int RTM_NEWADDR = 20;
    static final int RTM_DELADDR = 21;
    static final int RTM_GETADDR = 22;

    static final int AF_INET = 2;
    static final int AF_INET6 = 10;

    private static final int IFA_ADDRESS = 1;
    private static final int IFA_LOCAL = 2;
    private static final int IFA_BROADCAST = 4;
    private static final int IFA_FLAGS = 8;
    private static final int IFA_F_NODAD = 0x02;
    private static final int IFA_F_NOPREFIXROUTE = 0x200;
    private static final int RT_SCOPE_UNIVERSE = 0;
    private static final int RT_SCOPE_LINK = 253;
    private static final int INFO = 8;

    private Addresses() {}

    /**
     * An address in use at once: IPv6 skips the second that duplicate address detection takes.
     *
     * @param index of the interface
     */
    public static NetlinkRequest add(int index, IpPrefix prefix) {
        return new NetlinkRequest(
                "add address " + prefix + " to interface " + index,
                RTM_NEWADDR,
                NetlinkRequest.NLM_F_CREATE | NetlinkRequest.NLM_F_EXCL,
                body(index, prefix));
    }

    public static NetlinkRequest delete(int index, IpPrefix prefix) {
        return new NetlinkRequest(
                "delete address " + prefix + " of interface " + index, RTM_DELADDR, 0, body(index, prefix));
    }

    private static byte[] body(int index, IpPrefix prefix) {
        InetAddress address = prefix.address();
        byte[] bytes = address.getAddress();
        boolean six = prefix.isIpv6();
        AttributeWriter body = new AttributeWriter()
                .rawU8(six ? AF_INET6 : AF_INET)
                .rawU8(prefix.length())
                .rawU8(six ? IFA_F_NODAD : 0)
                .rawU8(address.isLinkLocalAddress() ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE)
                .rawU32(index)
                .bytes(IFA_LOCAL, bytes)
                .bytes(IFA_ADDRESS, bytes);
        if (!six && prefix.length() <= 30) {
            body.bytes(IFA_BROADCAST, broadcast(prefix));
        }
        return body.toBytes();
    }

    private static byte[] broadcast(IpPrefix prefix) {
        byte[] bytes = prefix.address().getAddress();
        for (int bit = prefix.length(); bit < 32; bit++) {
            bytes[bit / 8] |= (byte) (0x80 >>> (bit % 8));
        }
        return bytes;
    }

    /** All addresses of all interfaces. */
    public static NetlinkRequest list() {
        byte[] body = new AttributeWriter().rawU32(0).rawU32(0).toBytes();
        return new NetlinkRequest("list addresses", RTM_GETADDR, NetlinkRequest.NLM_F_DUMP, body);
    }

    /** The addresses among the answers, in the kernel's order: an interface's primary address first. */
    public static List<InterfaceAddress> parse(List<NetlinkData> answers) {
        List<InterfaceAddress> addresses = new ArrayList<>();
        for (NetlinkData answer : answers) {
            if (answer.type() == RTM_NEWADDR) {
                addresses.add(parse(answer.body()));
            }
        }
        return addresses;
    }

    private static InterfaceAddress parse(byte[] body) {
        Attributes attributes = Attributes.parse(body, INFO);
        byte[] address = attributes
                .bytes(IFA_LOCAL)
                .or(() -> attributes.bytes(IFA_ADDRESS))
                .orElseThrow(() -> new IllegalArgumentException("RTM_NEWADDR without an address"));
        int flags = attributes.u32(IFA_FLAGS).orElse(body[2] & 0xff);
        return new InterfaceAddress(
                Attributes.reader(body).getInt(4),
                new IpPrefix(IpPrefix.addressOf(address), body[1] & 0xff),
                (body[3] & 0xff) == RT_SCOPE_UNIVERSE,
                flags & ~IFA_F_NOPREFIXROUTE);
    }
}
