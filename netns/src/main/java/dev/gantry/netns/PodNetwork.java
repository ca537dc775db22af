package dev.gantry.netns;

import dev.gantry.linux.Errno;
import dev.gantry.linux.ErrnoException;
import dev.gantry.linux.Linux;
import dev.gantry.linux.Sched;
import dev.gantry.linux.netlink.Addresses;
import dev.gantry.linux.netlink.IpPrefix;
import dev.gantry.linux.netlink.Link;
import dev.gantry.linux.netlink.LinkStatistics;
import dev.gantry.linux.netlink.Links;
import dev.gantry.linux.netlink.NetlinkRequest;
import dev.gantry.linux.netlink.NetlinkSocket;
import dev.gantry.linux.netlink.NetlinkSocket.Protocol;
import dev.gantry.linux.netlink.Routes;
import java.io.IOException;
import java.net.InetAddress;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * The built-in pod network: a bridge on the host, a veth pair from it into each pod, addresses from a pool, masquerade
 * and host ports by nftables. Speaks netlink; starts no program.
 *
 * <p>It belongs to the network namespace of the thread that opens it. It works as far as the machine allows;
 * {@link #status} says what is missing.
 */
public final class PodNetwork implements NetworkProvider {
    private static final int FIRST_INDEX_GUESS = 2;

    private final Linux linux;
    private final NetworkNames names;
    private final NetlinkSocket host;
    private final AddressPool pool;
    private final Sysctls sysctls;
    private final HostSide hostSide;
    private final HostPorts hostPorts;

    private PodNetwork(Linux linux, NetworkNames names, NetlinkSocket host, AddressPool pool, Sysctls sysctls) {
        this.linux = linux;
        this.names = names;
        this.host = host;
        this.pool = pool;
        this.sysctls = sysctls;
        this.hostPorts = new HostPorts(names);
        this.hostSide = new HostSide(names, host, pool, sysctls, hostPorts);
    }

    /**
     * Prepares the host's side. What the machine refuses of that is in {@link #status}, and tried again by the next
     * {@link #add}.
     *
     * @throws NetworkException if another agent uses the directory, or no network for pods was named and none is free
     */
    public static PodNetwork open(Linux linux, PodNetworkConfig config) throws IOException {
        NetlinkSocket host = NetlinkSocket.open(Protocol.ROUTE);
        try {
            List<PodSubnet> subnets = config.podCidrs().isEmpty()
                    ? List.of(PodCidrs.choose(config.stateDirectory(), config.names(), HostInterfaces.read(host)))
                    : config.podCidrs();
            AddressPool pool = AddressPool.open(config.stateDirectory(), subnets);
            PodNetwork network = new PodNetwork(linux, config.names(), host, pool, Sysctls.SYSTEM);
            network.hostSide.setUp();
            return network;
        } catch (IOException | RuntimeException e) {
            host.close();
            throw e;
        }
    }

    @Override
    public PodAddresses add(PodNetworkRequest request) throws IOException {
        hostSide.ensureReady();
        if (pool.find(request.sandboxId()).isPresent()) {
            // an attempt before this one stopped half-way
            remove(request.sandboxId());
        }
        hostPorts.checkSupported(request);
        NetworkRecord record = pool.reserve(request.sandboxId(), request.pod(), request.portMappings());
        try {
            connect(request, record);
            hostPorts.publish(record);
        } catch (IOException | RuntimeException e) {
            undo(request, e);
            throw e;
        }
        List<InetAddress> gateways =
                pool.subnets().stream().map(PodSubnet::gateway).toList();
        return new PodAddresses(
                record.addresses().stream().map(IpPrefix::address).toList(), gateways, hostSide.mtu());
    }

    private void undo(PodNetworkRequest request, Exception failure) {
        try {
            remove(request.sandboxId());
        } catch (IOException e) {
            failure.addSuppressed(e);
        }
    }

    /** On a thread inside the pod's network namespace; the host's socket works from there too. */
    private void connect(PodNetworkRequest request, NetworkRecord record) throws IOException {
        linux.namespaces().onFreshThread("netns-" + record.sandboxId(), () -> {
            linux.namespaces().setns(request.netns(), Sched.CLONE_NEWNET);
            // before the interface is made, which takes over what is default then: no pod believes a neighbour that
            // announces itself as a router
            sysctls.ensureIfPresent("ipv6/conf/default/accept_ra", "0");
            try (NetlinkSocket pod = NetlinkSocket.open(Protocol.ROUTE)) {
                host.transact(hostEnd(request, record));
                pod.transact(podEnd(record, indexInPod(pod)));
            }
            return true;
        });
    }

    private List<NetlinkRequest> hostEnd(PodNetworkRequest request, NetworkRecord record) {
        String veth = names.veth(record.sandboxId());
        byte[] hardwareAddress =
                PodSubnet.hardwareAddress(record.addresses().get(0).address());
        return List.of(
                Links.createVeth(
                        new Links.VethEnd(veth, Optional.empty()),
                        hostSide.bridgeIndex(),
                        new Links.VethEnd(NetworkNames.POD_INTERFACE, Optional.of(hardwareAddress)),
                        request.netns().number(),
                        hostSide.mtu()),
                Links.noLinkLocalAddress(veth).tolerating(Errno.EAFNOSUPPORT, Errno.EOPNOTSUPP),
                Links.hairpin(veth),
                Links.setAlias(veth, request.pod()),
                Links.up(veth));
    }

    private static int indexInPod(NetlinkSocket pod) throws IOException {
        return Links.parse(pod.query(Links.get(NetworkNames.POD_INTERFACE))).stream()
                .findFirst()
                .map(Link::index)
                .orElse(FIRST_INDEX_GUESS);
    }

    private List<NetlinkRequest> podEnd(NetworkRecord record, int index) {
        List<NetlinkRequest> requests = new ArrayList<>();
        requests.add(Links.up("lo"));
        requests.add(Links.up(NetworkNames.POD_INTERFACE));
        record.addresses().forEach(address -> requests.add(Addresses.add(index, address)));
        pool.subnets().forEach(subnet -> requests.add(Routes.addDefault(subnet.gateway(), index)));
        return requests;
    }

    @Override
    public void remove(String sandboxId) throws IOException {
        Optional<NetworkRecord> record = pool.find(sandboxId);
        if (record.isEmpty()) {
            return;
        }
        hostPorts.withdraw(record.get());
        host.transact(Links.delete(names.veth(sandboxId)).tolerating(Errno.ENODEV));
        pool.release(sandboxId);
    }

    @Override
    public void check(String sandboxId) throws IOException {
        NetworkRecord record = pool.find(sandboxId)
                .orElseThrow(() -> new NetworkException("sandbox " + sandboxId + " has no address in this network"));
        String veth = names.veth(sandboxId);
        Link link = find(veth)
                .orElseThrow(() -> new NetworkException("pod " + record.pod() + ": its interface " + veth
                        + " is gone from the host; delete the pod so that it is made anew"));
        if (link.master().orElse(0) != hostSide.bridgeIndex() || !link.up()) {
            throw new NetworkException("pod " + record.pod() + ": its interface " + veth + " is "
                    + (link.up() ? "no port of " + names.bridge() : "down")
                    + "; something else on this host changed it");
        }
    }

    private Optional<Link> find(String name) throws IOException {
        try {
            return Links.parse(host.query(Links.get(name))).stream().findFirst();
        } catch (ErrnoException e) {
            if (e.is(Errno.ENODEV)) {
                return Optional.empty();
            }
            throw e;
        }
    }

    /** Traffic of a pod, as the pod counts it; empty if it is not connected. */
    public Optional<LinkStatistics> stats(String sandboxId) throws IOException {
        return find(names.veth(sandboxId)).flatMap(Link::statistics).map(LinkStatistics::fromOtherEnd);
    }

    @Override
    public NetworkStatus status() {
        return hostSide.status();
    }

    @Override
    public void recover(Set<String> liveSandboxIds) throws IOException {
        Set<String> veths = new HashSet<>();
        for (NetworkRecord record : pool.records()) {
            if (liveSandboxIds.contains(record.sandboxId())) {
                veths.add(names.veth(record.sandboxId()));
            } else {
                remove(record.sandboxId());
            }
        }
        for (Link port : hostSide.ports()) {
            if (!veths.contains(port.name())) {
                host.transact(Links.delete(port.name()).tolerating(Errno.ENODEV));
            }
        }
    }

    @Override
    public void close() {
        hostPorts.close();
        host.close();
        pool.close();
    }
}
