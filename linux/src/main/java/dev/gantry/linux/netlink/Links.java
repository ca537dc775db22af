package dev.gantry.linux.netlink;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;

/**
 * Requests about network interfaces: {@code RTM_NEWLINK} and its kin.
 *
 * @see <a href="https://man7.org/linux/man-pages/man7/rtnetlink.7.html">rtnetlink(7)</a>
 */
public final class Links {
    /** The kernel's limit for an interface's name, without the terminating zero: IFNAMSIZ - 1. */
    public static final int MAX_NAME_LENGTH = 15;

    static final int RTM_NEWLINK = 16;
    static final int RTM_DELLINK = 17;
    static final int RTM_GETLINK = 18;
    static final int RTM_SETLINK = 19;

    static final int IFLA_ADDRESS = 1;
    static final int IFLA_IFNAME = 3;
    static final int IFLA_MTU = 4;
    static final int IFLA_LINK = 5;
    static final int IFLA_MASTER = 10;
    static final int IFLA_LINKINFO = 18;
    static final int IFLA_IFALIAS = 20;
    static final int IFLA_STATS64 = 23;
    static final int IFLA_AF_SPEC = 26;
    static final int IFLA_GROUP = 27;
    static final int IFLA_NET_NS_FD = 28;
    static final int IFLA_EXT_MASK = 29;

    static final int IFLA_INFO_KIND = 1;
    static final int IFLA_INFO_DATA = 2;
    static final int IFLA_INFO_SLAVE_KIND = 4;
    static final int IFLA_INFO_SLAVE_DATA = 5;

    private static final int VETH_INFO_PEER = 1;
    private static final int IFLA_BRPORT_MODE = 4;
    private static final int IFLA_INET6_ADDR_GEN_MODE = 8;
    private static final int IN6_ADDR_GEN_MODE_NONE = 1;
    private static final int RTEXT_FILTER_SKIP_STATS = 1 << 3;
    private static final int AF_INET6 = 10;
    static final int IFF_UP = 1;

    private Links() {}

    /** A bridge with a fixed hardware address; without one it would change with its ports, under the pods' feet. */
    public static NetlinkRequest createBridge(String name, byte[] hardwareAddress, int mtu) {
        return create(
                "create bridge " + name,
                name,
                attributes -> attributes
                        .bytes(IFLA_ADDRESS, hardwareAddress)
                        .u32(IFLA_MTU, mtu)
                        .nested(IFLA_LINKINFO, info -> info.string(IFLA_INFO_KIND, "bridge")));
    }

    /**
     * One end of a veth pair.
     *
     * @param hardwareAddress 6 bytes; empty for a random one
     */
    public record VethEnd(String name, Optional<byte[]> hardwareAddress) {}

    /**
     * A pair of connected interfaces: {@code here} is a port of a bridge at once, {@code there} begins its life in
     * another network namespace. Both are down.
     *
     * @param master index of the bridge
     * @param namespace descriptor of the other network namespace
     */
    public static NetlinkRequest createVeth(VethEnd here, int master, VethEnd there, int namespace, int mtu) {
        String what = "create veth " + here.name() + " with peer " + there.name() + " in the pod's network namespace";
        byte[] body = interfaceInfo(new AttributeWriter(), 0, 0, 0)
                .string(IFLA_IFNAME, checkName(here.name()))
                .u32(IFLA_MTU, mtu)
                .u32(IFLA_MASTER, master)
                .nested(
                        IFLA_LINKINFO,
                        info -> info.string(IFLA_INFO_KIND, "veth")
                                .nested(
                                        IFLA_INFO_DATA,
                                        data -> data.nested(VETH_INFO_PEER, peer -> {
                                            interfaceInfo(peer, 0, 0, 0)
                                                    .string(IFLA_IFNAME, checkName(there.name()))
                                                    .u32(IFLA_MTU, mtu)
                                                    .u32(IFLA_NET_NS_FD, namespace);
                                            there.hardwareAddress()
                                                    .ifPresent(address -> peer.bytes(IFLA_ADDRESS, address));
                                        })))
                .toBytes();
        return new NetlinkRequest(what, RTM_NEWLINK, NetlinkRequest.NLM_F_CREATE | NetlinkRequest.NLM_F_EXCL, body);
    }

    /** An interface of a kind that needs no more than a name, e.g. {@code dummy}. */
    public static NetlinkRequest create(String kind, String name) {
        return create(
                "create " + kind + " " + name,
                name,
                attributes -> attributes.nested(IFLA_LINKINFO, info -> info.string(IFLA_INFO_KIND, kind)));
    }

    private static NetlinkRequest create(String what, String name, Consumer<AttributeWriter> more) {
        AttributeWriter body = interfaceInfo(new AttributeWriter(), 0, 0, 0).string(IFLA_IFNAME, checkName(name));
        more.accept(body);
        return new NetlinkRequest(
                what, RTM_NEWLINK, NetlinkRequest.NLM_F_CREATE | NetlinkRequest.NLM_F_EXCL, body.toBytes());
    }

    public static NetlinkRequest up(String name) {
        return change("set up " + name, name, IFF_UP, IFF_UP, attributes -> {});
    }

    public static NetlinkRequest down(String name) {
        return change("set down " + name, name, 0, IFF_UP, attributes -> {});
    }

    public static NetlinkRequest setMtu(String name, int mtu) {
        return change("set mtu of " + name + " to " + mtu, name, 0, 0, attributes -> attributes.u32(IFLA_MTU, mtu));
    }

    public static NetlinkRequest setHardwareAddress(String name, byte[] address) {
        return change(
                "set hardware address of " + name, name, 0, 0, attributes -> attributes.bytes(IFLA_ADDRESS, address));
    }

    /** Makes an interface a port of a bridge. */
    public static NetlinkRequest setMaster(String name, int master) {
        return change(
                "make " + name + " a port of interface " + master,
                name,
                0,
                0,
                attributes -> attributes.u32(IFLA_MASTER, master));
    }

    /** Moves an interface into another network namespace. */
    public static NetlinkRequest move(String name, int namespace) {
        return change(
                "move " + name + " to another network namespace",
                name,
                0,
                0,
                attributes -> attributes.u32(IFLA_NET_NS_FD, namespace));
    }

    /** A text for people; {@code ip link} shows it. */
    public static NetlinkRequest setAlias(String name, String alias) {
        return change(
                "set alias of " + name + " to " + alias,
                name,
                0,
                0,
                attributes -> attributes.bytes(IFLA_IFALIAS, alias.getBytes(StandardCharsets.UTF_8)));
    }

    /** The kernel makes no IPv6 link-local address for it, now and when it comes up. */
    public static NetlinkRequest noLinkLocalAddress(String name) {
        return change(
                "set IPv6 address generation of " + name + " to none",
                name,
                0,
                0,
                attributes -> attributes.nested(
                        IFLA_AF_SPEC,
                        families -> families.nested(
                                AF_INET6, inet6 -> inet6.u8(IFLA_INET6_ADDR_GEN_MODE, IN6_ADDR_GEN_MODE_NONE))));
    }

    /** A bridge's port may get back what came from it: a pod reaches its own hostPort. */
    public static NetlinkRequest hairpin(String port) {
        byte[] body = interfaceInfo(new AttributeWriter(), 0, 0, 0)
                .string(IFLA_IFNAME, checkName(port))
                .nested(
                        IFLA_LINKINFO,
                        info -> info.string(IFLA_INFO_SLAVE_KIND, "bridge")
                                .nested(IFLA_INFO_SLAVE_DATA, data -> data.u8(IFLA_BRPORT_MODE, 1)))
                .toBytes();
        return new NetlinkRequest("set hairpin mode of " + port, RTM_NEWLINK, 0, body);
    }

    private static NetlinkRequest change(
            String what, String name, int flags, int mask, Consumer<AttributeWriter> more) {
        AttributeWriter body =
                interfaceInfo(new AttributeWriter(), 0, flags, mask).string(IFLA_IFNAME, checkName(name));
        more.accept(body);
        return new NetlinkRequest(what, RTM_SETLINK, 0, body.toBytes());
    }

    public static NetlinkRequest delete(String name) {
        byte[] body = interfaceInfo(new AttributeWriter(), 0, 0, 0)
                .string(IFLA_IFNAME, checkName(name))
                .toBytes();
        return new NetlinkRequest("delete interface " + name, RTM_DELLINK, 0, body);
    }

    /** Puts an interface into a group, for {@link #deleteGroup}. */
    public static NetlinkRequest setGroup(String name, int group) {
        return change(
                "put " + name + " into group " + group, name, 0, 0, attributes -> attributes.u32(IFLA_GROUP, group));
    }

    /** Deletes all interfaces of a group at once, which takes the kernel no longer than one. */
    public static NetlinkRequest deleteGroup(int group) {
        byte[] body = interfaceInfo(new AttributeWriter(), 0, 0, 0)
                .u32(IFLA_GROUP, group)
                .toBytes();
        return new NetlinkRequest("delete the interfaces of group " + group, RTM_DELLINK, 0, body);
    }

    public static NetlinkRequest get(String name) {
        byte[] body = interfaceInfo(new AttributeWriter(), 0, 0, 0)
                .string(IFLA_IFNAME, checkName(name))
                .toBytes();
        return new NetlinkRequest("get interface " + name, RTM_GETLINK, 0, body);
    }

    public static NetlinkRequest get(int index) {
        return new NetlinkRequest(
                "get interface " + index,
                RTM_GETLINK,
                0,
                interfaceInfo(new AttributeWriter(), index, 0, 0).toBytes());
    }

    /** All interfaces, without their counters. */
    public static NetlinkRequest list() {
        byte[] body = interfaceInfo(new AttributeWriter(), 0, 0, 0)
                .u32(IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS)
                .toBytes();
        return new NetlinkRequest("list interfaces", RTM_GETLINK, NetlinkRequest.NLM_F_DUMP, body);
    }

    /** All ports of a bridge, with their counters. */
    public static NetlinkRequest listPorts(int master) {
        byte[] body = interfaceInfo(new AttributeWriter(), 0, 0, 0)
                .u32(IFLA_MASTER, master)
                .toBytes();
        return new NetlinkRequest("list ports of interface " + master, RTM_GETLINK, NetlinkRequest.NLM_F_DUMP, body);
    }

    /** The interfaces among the answers. */
    public static List<Link> parse(List<NetlinkData> answers) {
        List<Link> links = new ArrayList<>();
        for (NetlinkData answer : answers) {
            if (answer.type() == RTM_NEWLINK) {
                links.add(Link.parse(answer.body()));
            }
        }
        return links;
    }

    /** {@code struct ifinfomsg}. */
    private static AttributeWriter interfaceInfo(AttributeWriter writer, int index, int flags, int mask) {
        return writer.rawU8(0).rawU8(0).rawU16(0).rawU32(index).rawU32(flags).rawU32(mask);
    }

    private static String checkName(String name) {
        if (name.isEmpty() || name.length() > MAX_NAME_LENGTH) {
            throw new IllegalArgumentException("an interface's name has 1 to 15 characters: '" + name + "'");
        }
        return name;
    }
}
