package dev.gantry.netns;

import dev.gantry.linux.netlink.IpPrefix;
import java.io.Closeable;
import java.io.IOException;
import java.net.InetAddress;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Which sandbox holds which addresses and host ports. Kept in a directory, one file per sandbox.
 *
 * <ul>
 *   <li>A file appears, whole, before its addresses are given out, and goes after they are no longer in use. So this
 *       process may be killed at any instruction: at worst a file is left whose sandbox is no more, and recovery
 *       releases it.
 *   <li>Nothing is synced to the disk: what a power failure loses are files of sandboxes that died with it.
 *   <li>One process at a time has the directory, by a lock that the kernel takes back.
 * </ul>
 */
final class AddressPool implements Closeable {
    private static final String RECORDS = "sandboxes";
    private static final String TEMPORARY = ".new-";
    private static final String LAST = "last-address-";
    private static final int LAST_LENGTH = 48;

    private final Path directory;
    private final FileChannel lock;
    private final List<PodSubnet> subnets;
    private final Map<String, NetworkRecord> records = new HashMap<>();
    private final Set<InetAddress> used = new HashSet<>();
    private final Set<String> leaving = new HashSet<>();
    private final Map<PodSubnet, FileChannel> cursors = new HashMap<>();
    private final Map<PodSubnet, InetAddress> last = new HashMap<>();

    private AddressPool(Path directory, FileChannel lock, List<PodSubnet> subnets) {
        this.directory = directory;
        this.lock = lock;
        this.subnets = List.copyOf(subnets);
    }

    /**
     * @param subnets each sandbox gets one address of each
     * @throws NetworkException if another process has the directory
     */
    static AddressPool open(Path directory, List<PodSubnet> subnets) throws IOException {
        Files.createDirectories(directory.resolve(RECORDS));
        FileChannel lock =
                FileChannel.open(directory.resolve("lock"), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
        AddressPool pool = new AddressPool(directory, lock, subnets);
        try {
            pool.lock();
            pool.load();
            return pool;
        } catch (IOException | RuntimeException e) {
            pool.close();
            throw e;
        }
    }

    private void lock() throws IOException {
        try {
            @Nullable FileLock held = lock.tryLock();
            if (held != null) {
                return;
            }
        } catch (OverlappingFileLockException e) {
            throw busy(e);
        }
        throw busy(null);
    }

    private NetworkException busy(@Nullable Exception cause) {
        String message = directory + " is in use by another agent; stop it, or give this one another --root";
        return cause == null ? new NetworkException(message) : new NetworkException(message, cause);
    }

    private void load() throws IOException {
        try (DirectoryStream<Path> files = Files.newDirectoryStream(directory.resolve(RECORDS))) {
            for (Path file : files) {
                String name = file.getFileName().toString();
                Optional<NetworkRecord> record = name.startsWith(TEMPORARY)
                        ? Optional.empty()
                        : NetworkRecord.parse(name, Files.readString(file, StandardCharsets.UTF_8));
                if (record.isPresent()) {
                    remember(record.get());
                } else {
                    Files.deleteIfExists(file);
                }
            }
        }
        for (PodSubnet subnet : subnets) {
            loadCursor(subnet);
        }
    }

    private void loadCursor(PodSubnet subnet) throws IOException {
        FileChannel cursor = FileChannel.open(
                directory.resolve(LAST + (subnet.isIpv6() ? "ipv6" : "ipv4")),
                StandardOpenOption.CREATE,
                StandardOpenOption.READ,
                StandardOpenOption.WRITE);
        cursors.put(subnet, cursor);
        ByteBuffer bytes = ByteBuffer.allocate(LAST_LENGTH);
        cursor.read(bytes, 0);
        String text = new String(bytes.array(), 0, bytes.position(), StandardCharsets.US_ASCII).strip();
        try {
            last.put(subnet, IpPrefix.parseAddress(text));
        } catch (IllegalArgumentException e) {
            // a new file, or a write cut short: the order is a courtesy, begin anew
            last.remove(subnet);
        }
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
            InetAddress address = subnet.nextFree(
                            Optional.ofNullable(last.get(subnet)), candidate -> !used.contains(candidate))
                    .orElseThrow(() -> new NetworkException("pod " + pod + ": no free address in pod CIDR " + subnet
                            + ", all " + subnet.capacity() + " are in use; remove pods or give the agent a larger"
                            + " --pod-cidr"));
            addresses.add(new IpPrefix(address, subnet.network().length()));
        }
        NetworkRecord record = new NetworkRecord(sandboxId, pod, List.copyOf(addresses), List.copyOf(ports));
        store(record);
        remember(record);
        advanceCursors(record);
        return record;
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

    private void store(NetworkRecord record) throws IOException {
        Path file = file(record.sandboxId());
        Path temporary = file.resolveSibling(TEMPORARY + record.sandboxId());
        Files.writeString(temporary, record.format());
        Files.move(temporary, file, StandardCopyOption.ATOMIC_MOVE);
    }

    private void advanceCursors(NetworkRecord record) throws IOException {
        for (int i = 0; i < subnets.size(); i++) {
            InetAddress address = record.addresses().get(i).address();
            last.put(subnets.get(i), address);
            FileChannel cursor = cursors.get(subnets.get(i));
            if (cursor != null) {
                // one write of one length: never half an address behind another
                String padded = ("%-" + (LAST_LENGTH - 1) + "s\n").formatted(IpPrefix.format(address));
                cursor.write(ByteBuffer.wrap(padded.getBytes(StandardCharsets.US_ASCII)), 0);
            }
        }
    }

    /** Frees a sandbox's ports; its addresses are held until {@link #release}. */
    synchronized void leave(String sandboxId) {
        leaving.add(sandboxId);
    }

    /** Gives back what a sandbox holds. */
    synchronized void release(String sandboxId) throws IOException {
        try {
            Files.delete(file(sandboxId));
        } catch (NoSuchFileException e) {
            // released before
        }
        leaving.remove(sandboxId);
        NetworkRecord record = records.remove(sandboxId);
        if (record != null) {
            record.addresses().forEach(address -> used.remove(address.address()));
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
    }

    private Path file(String sandboxId) {
        return directory.resolve(RECORDS).resolve(sandboxId);
    }

    @Override
    public synchronized void close() {
        List<FileChannel> channels = new ArrayList<>(cursors.values());
        channels.add(lock);
        for (FileChannel channel : channels) {
            try {
                channel.close();
            } catch (IOException e) {
                // nothing written is lost: each write has returned
            }
        }
    }
}
