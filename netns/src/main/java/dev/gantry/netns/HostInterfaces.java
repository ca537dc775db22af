package dev.gantry.netns;

import dev.gantry.linux.ErrnoException;
import dev.gantry.linux.netlink.Addresses;
import dev.gantry.linux.netlink.InterfaceAddress;
import dev.gantry.linux.netlink.IpPrefix;
import dev.gantry.linux.netlink.Link;
import dev.gantry.linux.netlink.Links;
import dev.gantry.linux.netlink.Netlink;
import dev.gantry.linux.netlink.Route;
import dev.gantry.linux.netlink.Routes;
import java.net.InetAddress;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;

/** The host's interfaces, addresses and routes at one moment. */
record HostInterfaces(List<Link> links, List<InterfaceAddress> addresses, List<Route> routes) {
    private static final int STANDARD_MTU = 1500;

    static HostInterfaces read(Netlink netlink) throws ErrnoException {
        List<Route> routes = new ArrayList<>(Routes.parse(netlink.query(Routes.list(false))));
        routes.addAll(Routes.parse(netlink.query(Routes.list(true))));
        return new HostInterfaces(
                Links.parse(netlink.query(Links.list())),
                Addresses.parse(netlink.query(Addresses.list())),
                List.copyOf(routes));
    }

    Optional<Link> link(String name) {
        return links.stream().filter(link -> link.name().equals(name)).findAny();
    }

    private Optional<Link> link(int index) {
        return links.stream().filter(link -> link.index() == index).findAny();
    }

    /** The interface that packets for the wide world leave by. */
    Optional<Link> uplink() {
        return defaultRoute(false)
                .or(() -> defaultRoute(true))
                .flatMap(route -> link(route.out().orElse(0)));
    }

    private Optional<Route> defaultRoute(boolean ipv6) {
        return routes.stream()
                .filter(route -> route.isDefault()
                        && route.out().isPresent()
                        && route.destination().isIpv6() == ipv6)
                .min(Comparator.comparingLong(Route::priority));
    }

    /** Bytes; what passes the uplink unfragmented. */
    int mtu() {
        return uplink().map(Link::mtu).filter(mtu -> mtu > 0).orElse(STANDARD_MTU);
    }

    /** The host's address of each family that others know it by: the uplink's, else any global one. */
    List<InetAddress> hostAddresses() {
        List<InetAddress> found = new ArrayList<>();
        for (boolean ipv6 : new boolean[] {false, true}) {
            int uplink = defaultRoute(ipv6).map(route -> route.out().orElse(0)).orElse(0);
            addresses.stream()
                    .filter(address -> address.prefix().isIpv6() == ipv6 && isPublic(address))
                    .min(Comparator.comparing(address -> address.index() != uplink))
                    .ifPresent(address -> found.add(address.prefix().address()));
        }
        return found;
    }

    private boolean isPublic(InterfaceAddress address) {
        InetAddress ip = address.prefix().address();
        return address.global() && address.isPrimary() && !ip.isLoopbackAddress() && !ip.isLinkLocalAddress();
    }

    /**
     * A route that {@code network} would take packets from, or that would take them from it.
     *
     * @param strictly also counts wider routes, which would only be narrowed
     */
    Optional<Route> conflict(IpPrefix network, int ownIndex, boolean strictly) {
        return routes.stream()
                .filter(route -> !route.isDefault() && route.out().orElse(0) != ownIndex)
                .filter(route -> route.destination().overlaps(network)
                        && (strictly || route.destination().length() >= network.length()))
                .findFirst();
    }

    String nameOf(Route route) {
        return route.out().isPresent()
                ? link(route.out().getAsInt())
                        .map(Link::name)
                        .orElse("interface " + route.out().getAsInt())
                : "several interfaces";
    }
}
