package dev.gantry.linux.netlink;

import java.net.Inet6Address;
import java.net.InetAddress;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;

/**
 * Requests about the main routing table: {@code RTM_NEWROUTE} and its kin.
 *
 * @see <a href="https://man7.org/linux/man-pages/man7/rtnetlink.7.html">rtnetlink(7)</a>
 */
public final class Routes {
    static final int RTM_NEWROUTE = 24;
    static final int RTM_GETROUTE = 26;

    private static final int RTA_DST = 1;
    private static final int RTA_OIF = 4;
    private static final int RTA_GATEWAY = 5;
    private static final int RTA_PRIORITY = 6;
    private static final int RTA_TABLE = 15;

    private static final int RT_TABLE_MAIN = 254;
    private static final int RTPROT_BOOT = 3;
    private static final int RTN_UNICAST = 1;
    private static final int INFO = 12;

    private Routes() {}

    /**
     * The route to everywhere.
     *
     * @param index of the interface behind which the gateway is
     */
    public static NetlinkRequest addDefault(InetAddress gateway, int index) {
        byte[] body = info(family(gateway), 0)
                .bytes(RTA_GATEWAY, gateway.getAddress())
                .u32(RTA_OIF, index)
                .toBytes();
        return new NetlinkRequest(
                "add default route by " + IpPrefix.format(gateway) + " on interface " + index,
                RTM_NEWROUTE,
                NetlinkRequest.NLM_F_CREATE | NetlinkRequest.NLM_F_EXCL,
                body);
    }

    /** A route to neighbours on the link. */
    public static NetlinkRequest add(IpPrefix destination, int index) {
        InetAddress network = destination.network().address();
        byte[] body = info(family(network), destination.length())
                .bytes(RTA_DST, network.getAddress())
                .u32(RTA_OIF, index)
                .toBytes();
        return new NetlinkRequest(
                "add route to " + destination.network() + " on interface " + index,
                RTM_NEWROUTE,
                NetlinkRequest.NLM_F_CREATE | NetlinkRequest.NLM_F_EXCL,
                body);
    }

    private static int family(InetAddress address) {
        return address instanceof Inet6Address ? Addresses.AF_INET6 : Addresses.AF_INET;
    }

    /** {@code struct rtmsg}. */
    private static AttributeWriter info(int family, int length) {
        return new AttributeWriter()
                .rawU8(family)
                .rawU8(length)
                .rawU8(0)
                .rawU8(0)
                .rawU8(RT_TABLE_MAIN)
                .rawU8(RTPROT_BOOT)
                .rawU8(0)
                .rawU8(RTN_UNICAST)
                .rawU32(0);
    }

    /** All routes of one family. */
    public static NetlinkRequest list(boolean ipv6) {
        byte[] body = new AttributeWriter()
                .rawU32(ipv6 ? Addresses.AF_INET6 : Addresses.AF_INET)
                .rawU32(0)
                .rawU32(0)
                .toBytes();
        return new NetlinkRequest(
                "list routes of " + (ipv6 ? "IPv6" : "IPv4"), RTM_GETROUTE, NetlinkRequest.NLM_F_DUMP, body);
    }

    /** The unicast routes of the main table among the answers. */
    public static List<Route> parse(List<NetlinkData> answers) {
        List<Route> routes = new ArrayList<>();
        for (NetlinkData answer : answers) {
            byte[] body = answer.body();
            if (answer.type() == RTM_NEWROUTE && body[7] == RTN_UNICAST) {
                Attributes attributes = Attributes.parse(body, INFO);
                if (attributes.u32(RTA_TABLE).orElse(body[4] & 0xff) == RT_TABLE_MAIN) {
                    routes.add(parse(body, attributes));
                }
            }
        }
        return routes;
    }

    private static Route parse(byte[] body, Attributes attributes) {
        boolean six = body[0] == Addresses.AF_INET6;
        InetAddress destination = attributes
                .bytes(RTA_DST)
                .map(IpPrefix::addressOf)
                .orElseGet(() -> IpPrefix.addressOf(new byte[six ? 16 : 4]));
        OptionalInt out = attributes.u32(RTA_OIF);
        return new Route(
                new IpPrefix(destination, body[1] & 0xff),
                attributes.bytes(RTA_GATEWAY).map(IpPrefix::addressOf),
                out,
                Integer.toUnsignedLong(attributes.u32(RTA_PRIORITY).orElse(0)));
    }
}
