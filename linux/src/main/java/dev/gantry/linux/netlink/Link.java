package dev.gantry.linux.netlink;

import java.nio.ByteBuffer;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * A network interface as the kernel describes it.
 *
 * @param mtu bytes
 * @param master index of the bridge that it is a port of
 * @param kind {@code bridge}, {@code veth} …; empty for a device
 * @param statistics empty where not asked for
 */
public record Link(
        int index,
        String name,
        boolean up,
        int mtu,
        OptionalInt master,
        String kind,
        String alias,
        Optional<LinkStatistics> statistics) {
    private static final int INFO = 16;

    static Link parse(byte[] body) {
        ByteBuffer info = Attributes.reader(body);
        Attributes attributes = Attributes.parse(body, INFO);
        return new Link(
                info.getInt(4),
                attributes.string(Links.IFLA_IFNAME).orElse(""),
                (info.getInt(8) & Links.IFF_UP) != 0,
                attributes.u32(Links.IFLA_MTU).orElse(0),
                attributes.u32(Links.IFLA_MASTER),
                attributes
                        .nested(Links.IFLA_LINKINFO)
                        .string(Links.IFLA_INFO_KIND)
                        .orElse(""),
                attributes.string(Links.IFLA_IFALIAS).orElse(""),
                attributes.bytes(Links.IFLA_STATS64).flatMap(LinkStatistics::parse));
    }
}
