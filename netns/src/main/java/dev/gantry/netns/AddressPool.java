package dev.gantry.netns;

import dev.gantry.linux.netlink.IpPrefix;
import java.io.Closeable;
import java.io.IOException;
import java.net.InetAddress;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * Which sandbox holds which addresses and host ports. Kept in a journal: a reservation is written before its addresses
 * are given out, a release after they are no longer in use. So this process may be killed at any instruction: at worst a
 * reservation is left whose sandbox is no more, and recovery releases it.
 */
final class AddressPool implements Closeable {
    private static final String RESERVED = "+ ";
    private static final String LEAVING = "~ ";
    private static final String RELEASED = "- ";
    /** Where the search for free addresses goes on. */
    private static final String LAST = "= ";

    private final List<PodSubnet> subnets;
    private final AddressJournal journal;
    private final Map<String, NetworkRecord> records = new HashMap<>();
    private final Set<InetAddress> used = new HashSet<>();
    private final Set<String> leaving = new HashSet<>();
    private List<IpPrefix> last = List.of();

    private AddressPool(Path directory, List<PodSubnet> subnets) throws IOException {
        this.subnets = List.copyOf(subnets);
        this.journal = AddressJournal.open(directory, this::replay, this::compacted);
    }

    /**
     * Opens the pool of a directory, with what was reserved before.
     *
     * @param subnets each sandbox gets one address of each
     * @throws NetworkException if another process has the directory
     */
    static AddressPool open(Path directory, List<PodSubnet> subnets) throws IOException {
        return new AddressPool(directory, subnets);
    }

    private void replay(String line) {
        if (line.startsWith(RESERVED)) {
            NetworkRecord.parse(line.substring(RESERVED.length())).ifPresent(this::remember);
        } else if (line.startsWith(LEAVING)) {
            leaving.add(line.substring(LEAVING.length()));
        } else if (line.startsWith(RELEASED)) {
            forget(line.substring(RELEASED.length()));
        } else if (line.startsWith(LAST)) {
            NetworkRecord.parse(line.substring(LAST.length())).ifPresent(record -> last = record.addresses());
        }
    }

    private List<String> compacted() {
        List<String> lines = new ArrayList<>();
        records.values().forEach(record -> lines.add(RESERVED + record.format()));
        leaving.forEach(sandboxId -> lines.add(LEAVING + sandboxId));
        lines.add(LAST + new NetworkRecord("", "", last, List.of()).format());
        return lines;
    }

    List<PodSubnet> subnets() {
        return subnets;
    }

    /**
     * Takes addresses and host ports for a sandbox. When this returns, they survive a crash.
     *
     * @throws NetworkException if there is no free address, or another sandbox has one of the ports
     */
    synchronized NetworkRecord reserve(String sandboxId, String pod, List<PortMapping> ports) throws IOException {
        if (records.containsKey(sandboxId)) {
            throw new IllegalStateException("sandbox " + sandboxId + " holds addresses already");
        }
        checkPorts(pod, ports);
        List<IpPrefix> addresses = new ArrayList<>();
        for (PodSubnet subnet : subnets) {
            InetAddress address = subnet.nextFree(last(subnet), candidate -> !used.contains(candidate))
                    .orElseThrow(() -> new NetworkException("pod " + pod + ": no free address in pod CIDR " + subnet
                            + ", all " + subnet.capacity() + " are in use; remove pods or give the agent a larger"
                            + " --pod-cidr"));
            addresses.add(new IpPrefix(address, subnet.network().length()));
        }
        NetworkRecord record = new NetworkRecord(sandboxId, pod, List.copyOf(addresses), List.copyOf(ports));
        journal.append(RESERVED + record.format());
        remember(record);
        return record;
    }

    private Optional<InetAddress> last(PodSubnet subnet) {
        return last.stream()
                .map(IpPrefix::address)
                .filter(subnet.network()::contains)
                .findFirst();
    }

    private void checkPorts(String pod, List<PortMapping> ports) throws NetworkException {
        for (int i = 0; i < ports.size(); i++) {
            PortMapping port = ports.get(i);
            if (ports.subList(0, i).stream().anyMatch(port::conflictsWith)) {
                throw new NetworkException("pod " + pod + ": asks twice for hostPort " + port.hostSide());
            }
            for (NetworkRecord record : records.values()) {
                if (!leaving.contains(record.sandboxId())
                        && record.ports().stream().anyMatch(port::conflictsWith)) {
                    throw new NetworkException("pod " + pod + ": hostPort " + port.hostSide() + " is taken by pod "
                            + record.pod() + "; delete that pod or choose another hostPort");
                }
            }
        }
    }

    /** Frees a sandbox's ports; its addresses are held until {@link #release}. */
    synchronized void leave(String sandboxId) throws IOException {
        if (records.containsKey(sandboxId) && !leaving.contains(sandboxId)) {
            journal.append(LEAVING + sandboxId);
            leaving.add(sandboxId);
        }
    }

    /** The sandboxes that were on their way out, perhaps when an agent before this one was killed. */
    synchronized Set<String> leaving() {
        return Set.copyOf(leaving);
    }

    /** Gives back what a sandbox holds. */
    synchronized void release(String sandboxId) throws IOException {
        if (records.containsKey(sandboxId)) {
            journal.append(RELEASED + sandboxId);
            forget(sandboxId);
        }
    }

    synchronized Optional<NetworkRecord> find(String sandboxId) {
        return Optional.ofNullable(records.get(sandboxId));
    }

    /** What is held, but for sandboxes that are leaving. */
    synchronized Collection<NetworkRecord> records() {
        return records.values().stream()
                .filter(record -> !leaving.contains(record.sandboxId()))
                .toList();
    }

    private void remember(NetworkRecord record) {
        records.put(record.sandboxId(), record);
        record.addresses().forEach(address -> used.add(address.address()));
        last = record.addresses();
    }

    private void forget(String sandboxId) {
        leaving.remove(sandboxId);
        NetworkRecord record = records.remove(sandboxId);
        if (record != null) {
            record.addresses().forEach(address -> used.remove(address.address()));
        }
    }

    @Override
    public synchronized void close() {
        try {
            journal.close();
        } catch (IOException e) {
            // nothing written is lost: each write has returned
        }
    }
}
