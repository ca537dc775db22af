package dev.gantry.linux.netlink;

import java.net.InetAddress;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * A way to a network.
 *
 * @param out index of the interface; empty for a route of several paths
 * @param priority the lower, the more preferred (what {@code ip route} calls metric)
 */
public record Route(IpPrefix destination, Optional<InetAddress> gateway, OptionalInt out, long priority) {
    public boolean isDefault() {
        return destination.length() == 0;
    }
}
