package dev.gantry.netns;

import dev.gantry.linux.Errno;
import dev.gantry.linux.ErrnoException;
import dev.gantry.linux.netlink.Conntrack;
import dev.gantry.linux.netlink.IpPrefix;
import dev.gantry.linux.netlink.Netlink;
import dev.gantry.linux.netlink.NetlinkRequest;
import dev.gantry.linux.netlink.NfTables;
import dev.gantry.linux.netlink.NfTables.Hook;
import dev.gantry.linux.netlink.NfTablesMonitor;
import dev.gantry.netns.PacketFilter.HostPort;
import java.io.Closeable;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** The host ports that lead to pods, in the kernel's packet filter. Thread-safe. */
final class HostPorts implements TableGuard.Table, Closeable {
    /** Where this host's packet filter is to be reached; not everywhere. */
    interface Opener {
        Netlink open() throws ErrnoException;
    }

    private static final String REMEDY =
            "load the modules nf_tables, nft_nat, nft_masq and nft_fib_inet, and run the agent as root";

    private final NetworkNames names;
    private final Opener opener;
    private final Map<String, List<HostPort>> published = new LinkedHashMap<>();
    private PacketFilter filter;
    private @Nullable Netlink netfilter;
    private Optional<NetworkLimitation> limitation = Optional.empty();

    HostPorts(NetworkNames names, Opener opener) {
        this.names = names;
        this.opener = opener;
        this.filter = new PacketFilter(names, List.of());
    }

    /**
     * Makes the table anew, with the ports of these pods.
     *
     * @return what does not work on this host
     */
    synchronized List<NetworkLimitation> setUp(List<IpPrefix> subnets, Collection<NetworkRecord> records) {
        filter = new PacketFilter(names, subnets);
        published.clear();
        records.forEach(this::put);
        try {
            if (netfilter == null) {
                netfilter = opener.open();
            }
            replaceTable();
            limitation = Optional.empty();
            return List.of();
        } catch (ErrnoException e) {
            limitation = Optional.of(
                    new NetworkLimitation("masquerade and hostPort", String.valueOf(e.getMessage()), REMEDY));
            return List.of(limitation.get());
        }
    }

    /** A packet must pass the forward chains of all tables: what another one drops, ours cannot let through. As it is now. */
    synchronized List<NetworkLimitation> foreignDrops() {
        String bridge = names.bridge();
        if (netfilter == null || limitation.isPresent()) {
            return List.of();
        }
        try {
            return NfTables.parseBaseChains(netfilter.query(NfTables.listChains())).stream()
                    .filter(chain -> chain.drops() && chain.isCalledAt(Hook.FORWARD))
                    .map(chain -> chain.family() + " " + chain.table() + " " + chain.name())
                    .map(chain -> new NetworkLimitation(
                            "traffic between pods and other hosts, in part",
                            "chain " + chain + " of another program drops what none of its rules accepts",
                            "nft insert rule " + chain + " iifname " + bridge + " accept; nft insert rule " + chain
                                    + " oifname " + bridge + " accept"))
                    .toList();
        } catch (ErrnoException e) {
            return List.of(new NetworkLimitation(
                    "the search for firewalls in the way of pods", String.valueOf(e.getMessage()), REMEDY));
        }
    }

    private List<HostPort> put(NetworkRecord record) {
        List<HostPort> ports = PacketFilter.hostPorts(
                record.addresses().stream().map(IpPrefix::address).toList(), record.ports());
        if (!ports.isEmpty()) {
            published.put(record.sandboxId(), ports);
        }
        return ports;
    }

    private void replaceTable() throws ErrnoException {
        socket().transact(filter.replace(
                published.values().stream().flatMap(List::stream).toList()));
    }

    /** Own changes are told, too: those are meant. */
    @Override
    public synchronized boolean wants(NfTablesMonitor.Removal removal) {
        return netfilter != null
                && limitation.isEmpty()
                && removal.table().equals(names.table())
                && removal.port() != netfilter.port();
    }

    @Override
    public synchronized void restore() throws ErrnoException {
        if (netfilter != null && limitation.isEmpty()) {
            replaceTable();
        }
    }

    private Netlink socket() throws ErrnoException {
        if (netfilter == null) {
            throw new ErrnoException("socket(NETLINK_NETFILTER)", Errno.EBADF);
        }
        return netfilter;
    }

    /** @throws NetworkException if the pod asks for host ports and this machine has none to give */
    synchronized void checkSupported(PodNetworkRequest request) throws NetworkException {
        for (PortMapping port : request.portMappings()) {
            if (port.protocol() == PortProtocol.SCTP) {
                throw new NetworkException("pod %s: hostPort %s cannot be opened: it must be TCP or UDP"
                        .formatted(request.pod(), port.hostSide()));
            }
        }
        if (!request.portMappings().isEmpty() && limitation.isPresent()) {
            throw new NetworkException("pod " + request.pod() + ": hostPort "
                    + request.portMappings().get(0).hostSide() + " cannot be opened: " + limitation.get());
        }
    }

    synchronized void publish(NetworkRecord record) throws ErrnoException {
        List<HostPort> ports = put(record);
        if (ports.isEmpty()) {
            return;
        }
        try {
            socket().transact(filter.publish(ports));
            forgetFlows(record);
        } catch (ErrnoException e) {
            if (!e.is(Errno.ENOENT)) {
                throw e;
            }
            // somebody flushed the rule set, as firewall scripts do: the table and everybody's ports with it
            replaceTable();
        }
    }

    synchronized void withdraw(NetworkRecord record) throws ErrnoException {
        List<HostPort> ports = published.remove(record.sandboxId());
        if (ports == null || limitation.isPresent()) {
            return;
        }
        try {
            socket().transact(filter.withdraw(ports));
            forgetFlows(record);
        } catch (ErrnoException e) {
            if (!e.is(Errno.ENOENT)) {
                throw e;
            }
            replaceTable();
        }
    }

    /**
     * UDP knows no new connections: as long as datagrams of a flow keep coming, the kernel sends them where it sent the
     * first, to a pod that is gone or past one that has come.
     */
    private void forgetFlows(NetworkRecord record) throws ErrnoException {
        for (PortMapping port : record.ports()) {
            if (port.protocol() == PortProtocol.UDP) {
                for (IpPrefix address : record.addresses()) {
                    forgetFlows(address.isIpv6(), port.hostPort());
                }
            }
        }
    }

    private void forgetFlows(boolean ipv6, int hostPort) throws ErrnoException {
        // a kernel before 5.8 cannot select them, or has no connection tracking in netlink; they time out then
        NetlinkRequest list =
                Conntrack.list(ipv6, PortProtocol.UDP.number(), hostPort).tolerating(Errno.EOPNOTSUPP, Errno.EINVAL);
        socket().transact(Conntrack.delete(ipv6, socket().query(list)));
    }

    /** Deletes the table, which no pod needs any more. */
    synchronized void deleteTable() throws ErrnoException {
        if (netfilter != null && limitation.isEmpty()) {
            netfilter.transact(filter.delete());
        }
    }

    @Override
    public synchronized void close() {
        if (netfilter != null) {
            netfilter.close();
        }
    }
}
