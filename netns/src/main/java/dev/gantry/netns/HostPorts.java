package dev.gantry.netns;

import dev.gantry.linux.Errno;
import dev.gantry.linux.ErrnoException;
import dev.gantry.linux.netlink.IpPrefix;
import dev.gantry.linux.netlink.NetlinkSocket;
import dev.gantry.linux.netlink.NetlinkSocket.Protocol;
import dev.gantry.netns.PacketFilter.HostPort;
import java.io.Closeable;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** The host ports that lead to pods, in the kernel's packet filter. Thread-safe. */
final class HostPorts implements Closeable {
    private final NetworkNames names;
    private final Map<String, List<HostPort>> published = new LinkedHashMap<>();
    private PacketFilter filter;
    private @Nullable NetlinkSocket netfilter;
    private Optional<NetworkLimitation> limitation = Optional.empty();

    HostPorts(NetworkNames names) {
        this.names = names;
        this.filter = new PacketFilter(names, List.of());
    }

    /**
     * Makes the table anew, with the ports of these pods.
     *
     * @return what does not work for want of nf_tables
     */
    synchronized Optional<NetworkLimitation> setUp(List<IpPrefix> subnets, Collection<NetworkRecord> records)
            throws ErrnoException {
        filter = new PacketFilter(names, subnets);
        published.clear();
        records.forEach(record -> put(record));
        try {
            if (netfilter == null) {
                netfilter = NetlinkSocket.open(Protocol.NETFILTER);
            }
            replaceTable();
            limitation = Optional.empty();
        } catch (ErrnoException e) {
            limitation = Optional.of(new NetworkLimitation(
                    "masquerade and hostPort",
                    String.valueOf(e.getMessage()),
                    "load the modules nf_tables, nft_nat, nft_masq and nft_fib_inet, and run the agent as root"));
        }
        return limitation;
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

    private NetlinkSocket socket() throws ErrnoException {
        if (netfilter == null) {
            throw new ErrnoException("socket(NETLINK_NETFILTER)", Errno.EBADF);
        }
        return netfilter;
    }

    /** @throws NetworkException if the pod asks for host ports and this machine has none to give */
    synchronized void checkSupported(PodNetworkRequest request) throws NetworkException {
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
        } catch (ErrnoException e) {
            if (!e.is(Errno.ENOENT)) {
                throw e;
            }
            replaceTable();
        }
    }

    @Override
    public synchronized void close() {
        if (netfilter != null) {
            netfilter.close();
        }
    }
}
