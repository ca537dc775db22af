package dev.gantry.netns;

import dev.gantry.linux.Errno;
import dev.gantry.linux.netlink.Addresses;
import dev.gantry.linux.netlink.InterfaceAddress;
import dev.gantry.linux.netlink.IpPrefix;
import dev.gantry.linux.netlink.Link;
import dev.gantry.linux.netlink.Links;
import dev.gantry.linux.netlink.NetlinkRequest;
import dev.gantry.linux.netlink.NetlinkSocket;
import dev.gantry.linux.netlink.Route;
import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/** What all pods share on the host: the bridge, its addresses, forwarding and the packet filter. Thread-safe. */
final class HostSide {
    private static final String ACCEPT_ALTHOUGH_FORWARDING = "2";

    private final NetworkNames names;
    private final NetlinkSocket netlink;
    private final AddressPool pool;
    private final Sysctls sysctls;
    private final HostPorts hostPorts;
    private volatile NetworkStatus status = NetworkStatus.notReady("the pod network is not set up yet");
    private volatile int bridgeIndex;
    private volatile int mtu;

    HostSide(NetworkNames names, NetlinkSocket netlink, AddressPool pool, Sysctls sysctls, HostPorts hostPorts) {
        this.names = names;
        this.netlink = netlink;
        this.pool = pool;
        this.sysctls = sysctls;
        this.hostPorts = hostPorts;
    }

    NetworkStatus status() {
        return status;
    }

    int bridgeIndex() {
        return bridgeIndex;
    }

    /** Bytes. */
    int mtu() {
        return mtu;
    }

    /** The host's ends of the pods' interfaces. */
    List<Link> ports() throws IOException {
        return Links.parse(netlink.query(Links.listPorts(bridgeIndex))).stream()
                .filter(link -> link.master().orElse(0) == bridgeIndex && bridgeIndex != 0)
                .toList();
    }

    void ensureReady() throws IOException {
        if (!status.ready()) {
            setUp();
        }
        if (!status.ready()) {
            throw new NetworkException(status.message());
        }
    }

    /** Leaves the host as it was before the first pod, but for forwarding, unless a pod is still connected. */
    synchronized void tearDownIfUnused() throws IOException {
        if (status.ready() && pool.records().isEmpty() && pool.leaving().isEmpty()) {
            status = NetworkStatus.notReady("the pod network is closed");
            hostPorts.deleteTable();
            netlink.transact(Links.delete(names.bridge()).tolerating(Errno.ENODEV));
        }
    }

    /** Whatever is there already stays, so that pods of an agent before this one notice nothing. */
    synchronized void setUp() {
        try {
            HostInterfaces host = HostInterfaces.read(netlink);
            mtu = host.mtu();
            bridgeIndex = bridge(host).index();
            checkFree(host);
            List<IpPrefix> networks = networks();
            setAddresses(host);
            netlink.transact(Links.up(names.bridge()));
            enableForwarding(host);
            status = NetworkStatus.ready(hostPorts.setUp(networks, pool.records()));
        } catch (IOException e) {
            status = NetworkStatus.notReady("the pod network cannot be set up: " + e.getMessage());
        }
    }

    private Link bridge(HostInterfaces host) throws IOException {
        Optional<Link> found = host.link(names.bridge());
        if (found.isEmpty()) {
            netlink.transact(List.of(
                    Links.createBridge(names.bridge(), hardwareAddress(), mtu).tolerating(Errno.EEXIST),
                    Links.noLinkLocalAddress(names.bridge()).tolerating(Errno.EAFNOSUPPORT, Errno.EOPNOTSUPP)));
            found = Links.parse(netlink.query(Links.get(names.bridge()))).stream()
                    .findFirst();
        }
        Link bridge = found.orElseThrow(() -> new NetworkException("interface " + names.bridge() + " vanished"));
        if (!bridge.kind().equals("bridge")) {
            throw new NetworkException("interface " + names.bridge() + " exists and is no bridge but "
                    + (bridge.kind().isEmpty() ? "a device" : bridge.kind()) + "; rename it");
        }
        if (bridge.mtu() != mtu) {
            netlink.transact(Links.setMtu(names.bridge(), mtu));
        }
        return bridge;
    }

    private byte[] hardwareAddress() {
        return PodSubnet.hardwareAddress(pool.subnets().get(0).gateway());
    }

    private void checkFree(HostInterfaces host) throws NetworkException {
        for (PodSubnet subnet : pool.subnets()) {
            Optional<Route> conflict = host.conflict(subnet.network(), bridgeIndex, false);
            if (conflict.isPresent()) {
                throw new NetworkException("pod CIDR " + subnet + " overlaps the route to "
                        + conflict.get().destination() + " on " + host.nameOf(conflict.get())
                        + "; name another network with --pod-cidr");
            }
        }
    }

    /** The networks of now, and those of pods that an agent with another configuration connected. */
    private List<IpPrefix> networks() {
        Set<IpPrefix> networks = new LinkedHashSet<>();
        pool.subnets().forEach(subnet -> networks.add(subnet.network()));
        pool.records().forEach(record -> record.addresses().forEach(address -> networks.add(address.network())));
        return List.copyOf(networks);
    }

    private void setAddresses(HostInterfaces host) throws IOException {
        Set<IpPrefix> wanted = new LinkedHashSet<>();
        networks().forEach(network -> wanted.add(new IpPrefix(new PodSubnet(network).gateway(), network.length())));
        List<NetlinkRequest> requests = new ArrayList<>();
        for (InterfaceAddress present : host.addresses()) {
            boolean ours = present.index() == bridgeIndex && present.global();
            if (ours && !wanted.remove(present.prefix())) {
                requests.add(Addresses.delete(bridgeIndex, present.prefix()).tolerating(Errno.EADDRNOTAVAIL));
            }
        }
        if (hasIpv6()) {
            wanted.add(PodSubnet.linkLocal(hardwareAddress()));
        }
        wanted.forEach(prefix -> requests.add(Addresses.add(bridgeIndex, prefix).tolerating(Errno.EEXIST)));
        netlink.transact(requests);
    }

    private void enableForwarding(HostInterfaces host) throws IOException {
        if (pool.subnets().stream().anyMatch(subnet -> !subnet.isIpv6())) {
            sysctls.ensure("ipv4/ip_forward", "1");
        }
        sysctls.ensureIfPresent("ipv6/conf/" + names.bridge() + "/accept_ra", "0");
        if (hasIpv6()) {
            enableIpv6Forwarding(host);
        }
    }

    private boolean hasIpv6() {
        return pool.subnets().stream().anyMatch(PodSubnet::isIpv6);
    }

    /** A host that forwards believes no router, unless told so; without this it would lose its own default route. */
    private void enableIpv6Forwarding(HostInterfaces host) throws IOException {
        if (sysctls.read("ipv6/conf/all/forwarding").equals(Optional.of("1"))) {
            return;
        }
        for (Link link : host.links()) {
            String key = "ipv6/conf/" + link.name() + "/accept_ra";
            if (!link.name().equals(names.bridge()) && sysctls.read(key).equals(Optional.of("1"))) {
                sysctls.write(key, ACCEPT_ALTHOUGH_FORWARDING);
            }
        }
        sysctls.write("ipv6/conf/all/forwarding", "1");
    }
}
