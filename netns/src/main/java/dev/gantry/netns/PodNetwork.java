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
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;

/**
 * The built-in pod network: a bridge on the host, a veth pair from it into each pod, addresses from a pool, masquerade
 * and host ports by nftables. Speaks netlink; starts no program.
 *
 * <p>It belongs to the network namespace of the thread that opens it. It works as far as the machine allows;
 * {@link #status} says what is missing.
 */
public final class PodNetwork implements NetworkProvider {
    private final Linux linux;
    private final NetworkNames names;
    private final NetlinkSocket host;
    private final AddressPool pool;
    private final Sysctls sysctls;
    private final HostSide hostSide;
    private final HostPorts hostPorts;
    private final LoopbackPorts loopbackPorts;
    private final InterfaceRemoval removal;
    private Optional<TableGuard> guard = Optional.empty();
    /** Sandboxes that have their interface. */
    private final Set<String> connected = ConcurrentHashMap.newKeySet();

    private final List<NetworkLimitation> unopened = new CopyOnWriteArrayList<>();

    private PodNetwork(
            Linux linux,
            NetworkNames names,
            NetlinkSocket host,
            AddressPool pool,
            LoopbackPorts loopbackPorts,
            InterfaceRemoval removal) {
        this.linux = linux;
        this.names = names;
        this.host = host;
        this.pool = pool;
        this.sysctls = Sysctls.SYSTEM;
        this.hostPorts = new HostPorts(names, () -> NetlinkSocket.open(Protocol.NETFILTER));
        this.hostSide = new HostSide(names, host, pool, sysctls, hostPorts);
        this.loopbackPorts = loopbackPorts;
        this.removal = removal;
    }

    /**
     * Prepares the host's side. What the machine refuses of that is in {@link #status}, and tried again by the next
     * {@link #add}.
     *
     * @throws NetworkException if another agent uses the directory, or no network for pods was named and none is free
     */
    public static PodNetwork open(Linux linux, PodNetworkConfig config) throws IOException {
        Deque<AutoCloseable> opened = new ArrayDeque<>();
        try {
            NetlinkSocket host = NetlinkSocket.open(Protocol.ROUTE);
            opened.push(host);
            List<PodSubnet> subnets = config.podCidrs().isEmpty()
                    ? List.of(PodCidrs.choose(config.stateDirectory(), config.names(), HostInterfaces.read(host)))
                    : config.podCidrs();
            AddressPool pool = AddressPool.open(config.stateDirectory(), subnets);
            opened.push(pool);
            LoopbackPorts loopbackPorts = LoopbackPorts.start(System::nanoTime);
            opened.push(loopbackPorts);
            // a socket of its own: additions do not wait for deletions
            InterfaceRemoval removal = new InterfaceRemoval(config.names(), NetlinkSocket.open(Protocol.ROUTE), pool);
            opened.push(removal);
            PodNetwork network = new PodNetwork(linux, config.names(), host, pool, loopbackPorts, removal);
            // before the table is made: what is removed from then on is heard
            network.guard = guard(linux, network.hostPorts);
            network.guard.ifPresent(opened::push);
            network.hostSide.setUp();
            return network;
        } catch (IOException | RuntimeException e) {
            closeAll(opened, e);
            throw e;
        }
    }

    /** Nobody where the kernel has no nftables: then there is no table either, which {@link HostPorts} says. */
    private static Optional<TableGuard> guard(Linux linux, HostPorts hostPorts) {
        try {
            return Optional.of(TableGuard.start(linux, hostPorts));
        } catch (ErrnoException e) {
            return Optional.empty();
        }
    }

    private static void closeAll(Deque<AutoCloseable> opened, Exception failure) {
        for (AutoCloseable one : opened) {
            try {
                one.close();
            } catch (Exception e) {
                failure.addSuppressed(e);
            }
        }
    }

    @Override
    public PodAddresses add(PodNetworkRequest request) throws IOException {
        hostSide.ensureReady();
        if (pool.find(request.sandboxId()).isPresent()) {
            // an attempt before this one stopped half-way
            remove(request.sandboxId());
            removal.await(request.sandboxId());
        }
        hostPorts.checkSupported(request);
        NetworkRecord record = pool.reserve(request.sandboxId(), request.pod(), request.portMappings());
        try {
            openLoopbackPorts(record);
            connect(request, record);
            hostPorts.publish(record);
            connected.add(request.sandboxId());
        } catch (IOException | RuntimeException e) {
            undo(request, e);
            throw e;
        }
        List<InetAddress> gateways =
                pool.subnets().stream().map(PodSubnet::gateway).toList();
        return new PodAddresses(
                record.addresses().stream().map(IpPrefix::address).toList(), gateways, hostSide.mtu());
    }

    private void openLoopbackPorts(NetworkRecord record) throws IOException {
        loopbackPorts.open(
                record.sandboxId(),
                record.pod(),
                LoopbackPorts.forwards(
                        record.addresses().stream().map(IpPrefix::address).toList(), record.ports()));
    }

    private void undo(PodNetworkRequest request, Exception failure) {
        try {
            remove(request.sandboxId());
        } catch (IOException e) {
            failure.addSuppressed(e);
        }
    }

    private void connect(PodNetworkRequest request, NetworkRecord record) throws IOException {
        if (request.prepared().isPresent()) {
            connect(request, record, request.prepared().get().socket());
            return;
        }
        // on a thread inside the pod's network namespace; the host's socket works from there too
        linux.namespaces().onFreshThread("netns-" + record.sandboxId(), () -> {
            linux.namespaces().setns(request.netns(), Sched.CLONE_NEWNET);
            PreparedNamespace.refuseRouterAdvertisements(linux);
            try (NetlinkSocket pod = NetlinkSocket.open(Protocol.ROUTE)) {
                connect(request, record, pod);
            }
            return true;
        });
    }

    private void connect(PodNetworkRequest request, NetworkRecord record, NetlinkSocket pod) throws IOException {
        host.transact(hostEnd(request, record));
        pod.transact(podEnd(record, pod.interfaceIndex(NetworkNames.POD_INTERFACE)));
    }

    @Override
    public boolean takesPreparedNamespaces() {
        return true;
    }

    private List<NetlinkRequest> hostEnd(PodNetworkRequest request, NetworkRecord record) {
        String veth = names.veth(record.sandboxId());
        return List.of(
                Links.createVeth(
                        new Links.VethEnd(veth, Optional.empty()),
                        hostSide.bridgeIndex(),
                        new Links.VethEnd(NetworkNames.POD_INTERFACE, Optional.of(hardwareAddress(record))),
                        request.netns().number(),
                        hostSide.mtu()),
                Links.noLinkLocalAddress(veth).tolerating(Errno.EAFNOSUPPORT, Errno.EOPNOTSUPP),
                Links.hairpin(veth),
                Links.setAlias(veth, request.pod()),
                Links.up(veth));
    }

    private static byte[] hardwareAddress(NetworkRecord record) {
        return PodSubnet.hardwareAddress(record.addresses().get(0).address());
    }

    private List<NetlinkRequest> podEnd(NetworkRecord record, int index) {
        List<NetlinkRequest> requests = new ArrayList<>();
        requests.add(Links.up("lo"));
        requests.add(
                Links.noLinkLocalAddress(NetworkNames.POD_INTERFACE).tolerating(Errno.EAFNOSUPPORT, Errno.EOPNOTSUPP));
        requests.add(Links.up(NetworkNames.POD_INTERFACE));
        if (record.addresses().stream().anyMatch(IpPrefix::isIpv6)) {
            requests.add(Addresses.add(index, PodSubnet.linkLocal(hardwareAddress(record))));
        }
        record.addresses().forEach(address -> requests.add(Addresses.add(index, address)));
        pool.subnets().forEach(subnet -> requests.add(Routes.addDefault(subnet.gateway(), index)));
        return requests;
    }

    @Override
    public void remove(String sandboxId) throws IOException {
        connected.remove(sandboxId);
        Optional<NetworkRecord> record = pool.find(sandboxId);
        if (record.isEmpty()) {
            return;
        }
        if (!record.get().ports().isEmpty()) {
            loopbackPorts.close(sandboxId);
            hostPorts.withdraw(record.get());
        }
        pool.leave(sandboxId);
        removal.begin(sandboxId);
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
        NetworkStatus status = hostSide.status();
        List<NetworkLimitation> limitations = new ArrayList<>(status.limitations());
        limitations.addAll(unopened);
        limitations.addAll(removal.failures());
        guard.flatMap(TableGuard::failure).ifPresent(limitations::add);
        return new NetworkStatus(status.ready(), status.message(), limitations);
    }

    @Override
    public List<NetworkLimitation> limitations() {
        NetworkStatus status = status();
        List<NetworkLimitation> all = new ArrayList<>(status.limitations());
        if (status.ready()) {
            all.addAll(hostPorts.foreignDrops());
            all.addAll(disconnected());
        }
        return all;
    }

    /** Pods whose interface somebody else has taken away. */
    private List<NetworkLimitation> disconnected() {
        Set<String> there = new HashSet<>();
        // first those that are meant to be there: what leaves meanwhile is in neither set
        List<String> expected = List.copyOf(connected);
        try {
            hostSide.ports().forEach(port -> there.add(port.name()));
        } catch (IOException e) {
            return List.of(new NetworkLimitation(
                    "the state of pods' interfaces", String.valueOf(e.getMessage()), "restart the agent"));
        }
        List<NetworkLimitation> gone = new ArrayList<>();
        for (String sandboxId : expected) {
            Optional<NetworkRecord> record = pool.find(sandboxId);
            if (record.isPresent() && !there.contains(names.veth(sandboxId)) && connected.contains(sandboxId)) {
                gone.add(new NetworkLimitation(
                        "the network of pod " + record.get().pod(),
                        "its interface " + names.veth(sandboxId) + " is no port of " + names.bridge()
                                + " any more; another program has taken it away",
                        "delete the pod, so that it is made anew"));
            }
        }
        return gone;
    }

    @Override
    public void recover(Set<String> liveSandboxIds) throws IOException {
        Set<String> veths = new HashSet<>();
        for (NetworkRecord record : pool.records()) {
            if (liveSandboxIds.contains(record.sandboxId())) {
                veths.add(names.veth(record.sandboxId()));
                connected.add(record.sandboxId());
                reopenLoopbackPorts(record);
            } else {
                remove(record.sandboxId());
            }
        }
        Set<String> leaving = pool.leaving();
        leaving.forEach(removal::begin);
        for (String sandboxId : leaving) {
            removal.await(sandboxId);
        }
        for (Link port : hostSide.ports()) {
            if (!veths.contains(port.name())) {
                host.transact(Links.delete(port.name()).tolerating(Errno.ENODEV));
            }
        }
    }

    /** Its pod runs and keeps running, whoever took the port while no agent held it. */
    private void reopenLoopbackPorts(NetworkRecord record) {
        try {
            openLoopbackPorts(record);
        } catch (IOException e) {
            unopened.add(new NetworkLimitation(
                    "hostPort on loopback addresses", String.valueOf(e.getMessage()), "then restart the agent"));
        }
    }

    @Override
    public void close() {
        guard.ifPresent(TableGuard::close);
        loopbackPorts.close();
        removal.close();
        try {
            hostSide.tearDownIfUnused();
        } catch (IOException e) {
            // the next agent with these names takes over what is left
        }
        hostPorts.close();
        host.close();
        pool.close();
    }
}
