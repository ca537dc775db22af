package dev.gantry.netns.cni;

import com.fasterxml.jackson.databind.node.MissingNode;
import dev.gantry.linux.Linux;
import dev.gantry.linux.netlink.IpPrefix;
import dev.gantry.netns.LoopbackNetwork;
import dev.gantry.netns.NetworkException;
import dev.gantry.netns.NetworkLimitation;
import dev.gantry.netns.NetworkProvider;
import dev.gantry.netns.NetworkStatus;
import dev.gantry.netns.PodAddresses;
import dev.gantry.netns.PodNetworkRequest;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.net.Inet6Address;
import java.net.InetAddress;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.ReadWriteLock;
import java.util.concurrent.locks.ReentrantReadWriteLock;
import java.util.function.LongSupplier;

/**
 * Pods connected by plugins, by the Container Network Interface.
 *
 * <ul>
 *   <li>What ADD is about to do is written down before, and DEL follows whatever happens: after a failure of ADD, and at the next
 *       start for what went down with the agent or the machine. What DEL needs is what ADD was given, even if the configuration
 *       has changed.
 *   <li>Attachments whose DEL fails after a failed ADD, or after a restart, keep no pod waiting: {@link Leftovers} asks again.
 *   <li>The loopback interface is set up without a plugin.
 *   <li>Plugins run in the network namespace of this process' threads, the host's.
 * </ul>
 */
public final class CniNetwork implements NetworkProvider {
    private static final String INTERFACE = "eth0";

    private final Linux linux;
    private final CniSettings settings;
    private final CniConfigDirectory configurations;
    private final CniCache cache;
    private final NamespacePins pins;
    private final PluginRunner runner;
    private final Readiness readiness;
    private final Leftovers leftovers;
    private final Leftovers.Later later;
    /** What CHECK said of sandboxes that were connected before this start. */
    private final Map<String, String> broken = new ConcurrentHashMap<>();
    /** GC must not overlap ADD and DEL (SPEC.md, section 3 "Lifecycle and ordering"). */
    private final ReadWriteLock changes = new ReentrantReadWriteLock();

    private final Runnable close;

    private CniNetwork(
            Linux linux,
            CniSettings settings,
            PluginRunner runner,
            Leftovers.Later later,
            LongSupplier nanoTime,
            Runnable close) {
        this.linux = linux;
        this.settings = settings;
        this.runner = runner;
        this.configurations = new CniConfigDirectory(settings.configurations());
        this.cache = new CniCache(settings.results());
        this.pins = new NamespacePins(linux, settings.namespaces());
        this.readiness = new Readiness(configurations, this::chain, nanoTime);
        this.leftovers = new Leftovers(this::detach, this::collectGarbage, later);
        this.later = later;
        this.close = close;
    }

    /** Opens nothing but its own files: a configuration may come later. */
    public static CniNetwork open(Linux linux, CniSettings settings) {
        AtomicInteger count = new AtomicInteger();
        ExecutorService pool = Executors.newCachedThreadPool(task -> {
            Thread thread = new Thread(task, "cni-" + count.incrementAndGet());
            thread.setDaemon(true);
            return thread;
        });
        return new CniNetwork(
                linux,
                settings,
                new ProcessPluginRunner(pool),
                (task, delay) -> CompletableFuture.delayedExecutor(delay.toMillis(), TimeUnit.MILLISECONDS, pool)
                        .execute(task),
                System::nanoTime,
                pool::shutdownNow);
    }

    /** With the thread that runs what nobody waits for, and the clock, given. */
    static CniNetwork open(
            Linux linux, CniSettings settings, PluginRunner runner, Leftovers.Later later, LongSupplier nanoTime) {
        return new CniNetwork(linux, settings, runner, later, nanoTime, () -> {});
    }

    /** Whether an earlier run with these settings left attachments that are still to be deleted. */
    public static boolean hasAttachments(CniSettings settings) throws IOException {
        return !new CniCache(settings.results()).all().isEmpty();
    }

    private CniChain chain(CniNetworkList list) {
        return chain(list, settings.deadline());
    }

    private CniChain chain(CniNetworkList list, Duration deadline) {
        return new CniChain(list, settings.programs(), runner, deadline);
    }

    @Override
    public PodAddresses add(PodNetworkRequest request) throws IOException {
        CniConfigDirectory.Content content = configurations.read();
        CniNetworkList list =
                content.network().orElseThrow(() -> new NetworkException(Readiness.notInitialized(content)));
        CniChain chain = chain(list);
        chain.requirePrograms();
        Map<String, String> capabilities = CniCapabilities.of(request, settings.podCidrs());
        leftovers.begin(list);
        String id = request.sandboxId();
        if (cache.find(id).isPresent()) {
            // an attempt before this one stopped half-way
            remove(id);
        }
        String netns = pins.pin(id, request.netns()).toString();
        CniAttachment attachment =
                new CniAttachment(id, netns, INTERFACE, CniCapabilities.arguments(request), capabilities);
        CniCache.Entry entry = new CniCache.Entry(attachment, list.name(), list.source(), MissingNode.getInstance());
        try {
            cache.put(entry);
            LoopbackNetwork.up(linux, request.netns());
            CniResult result = attach(chain, attachment);
            cache.put(new CniCache.Entry(attachment, list.name(), list.source(), result.json()));
            return addresses(request, list, result);
        } catch (IOException | RuntimeException e) {
            undo(entry, e);
            throw e;
        }
    }

    private CniResult attach(CniChain chain, CniAttachment attachment) throws IOException {
        changes.readLock().lock();
        try {
            return chain.add(attachment);
        } catch (InterruptedException e) {
            throw interrupted("ADD", attachment.containerId());
        } finally {
            changes.readLock().unlock();
        }
    }

    private static InterruptedIOException interrupted(String command, String sandboxId) {
        Thread.currentThread().interrupt();
        return new InterruptedIOException("%s for sandbox %s was interrupted".formatted(command, sandboxId));
    }

    private void undo(CniCache.Entry entry, Exception failure) {
        try {
            detach(entry);
        } catch (IOException | RuntimeException e) {
            failure.addSuppressed(e);
            leftovers.add(entry, String.valueOf(e.getMessage()));
        }
    }

    private static PodAddresses addresses(PodNetworkRequest request, CniNetworkList list, CniResult result)
            throws NetworkException {
        List<InetAddress> ips = new ArrayList<>();
        List<InetAddress> gateways = new ArrayList<>();
        try {
            for (int i = 0; i < result.addresses().size(); i++) {
                ips.add(IpPrefix.parseAddress(result.addresses().get(i)));
                String gateway = result.gateways().get(i);
                if (!gateway.isEmpty()) {
                    gateways.add(IpPrefix.parseAddress(gateway));
                }
            }
        } catch (IllegalArgumentException e) {
            throw new NetworkException(
                    "network \"%s\", ADD for pod %s: the plugins' result has %s"
                            .formatted(list.name(), request.pod(), e.getMessage()),
                    e);
        }
        if (ips.isEmpty()) {
            throw new NetworkException(
                    "network \"%s\", ADD for pod %s: the plugins gave it no address for %s; see the ipam part of %s"
                            .formatted(list.name(), request.pod(), INTERFACE, "their configuration"));
        }
        // The primary address is of IPv4 where there is one, as in other runtimes.
        ips.sort(Comparator.comparing(Inet6Address.class::isInstance));
        return new PodAddresses(ips, gateways, result.mtu(INTERFACE));
    }

    @Override
    public void remove(String sandboxId) throws IOException {
        Optional<CniCache.Entry> entry = cache.find(sandboxId);
        if (entry.isPresent() && !leftovers.has(sandboxId)) {
            detach(entry.get());
        }
    }

    /** DEL, with what ADD was given. Afterwards nothing is known of the attachment any more. */
    private void detach(CniCache.Entry entry) throws IOException {
        String id = entry.attachment().containerId();
        CniNetworkList list = asAdded(entry);
        changes.readLock().lock();
        try {
            chain(list).del(entry.attachment().withNetns(pins.path(id)), entry.result());
        } catch (InterruptedException e) {
            throw interrupted("DEL", id);
        } finally {
            changes.readLock().unlock();
        }
        pins.unpin(id);
        broken.remove(id);
        cache.remove(entry.network(), entry.attachment());
    }

    private static CniNetworkList asAdded(CniCache.Entry entry) throws CniException {
        return CniNetworkList.parse(
                "the configuration with which sandbox %s was connected"
                        .formatted(entry.attachment().containerId()),
                entry.configuration().getBytes(StandardCharsets.UTF_8));
    }

    @Override
    public void check(String sandboxId) throws IOException {
        CniCache.Entry entry = cache.find(sandboxId)
                .orElseThrow(() -> new NetworkException("sandbox " + sandboxId + " has no address in this network"));
        CniNetworkList list = asAdded(entry);
        changes.readLock().lock();
        try {
            chain(list).check(entry.attachment().withNetns(pins.path(sandboxId)), entry.result());
        } catch (InterruptedException e) {
            throw interrupted("CHECK", sandboxId);
        } finally {
            changes.readLock().unlock();
        }
    }

    @Override
    public NetworkStatus status() {
        NetworkStatus status = readiness.look();
        List<NetworkLimitation> limitations = new ArrayList<>(status.limitations());
        limitations.addAll(leftovers.limitations());
        limitations.addAll(brokenOnes());
        return new NetworkStatus(status.ready(), status.message(), limitations);
    }

    @Override
    public void recover(Set<String> liveSandboxIds) throws IOException {
        List<String> alive = new ArrayList<>();
        for (CniCache.Entry entry : cache.all()) {
            if (!liveSandboxIds.contains(entry.attachment().containerId())) {
                leftovers.add(entry, "");
            } else {
                alive.add(entry.attachment().containerId());
            }
        }
        // nobody was there to see what became of them; one after the other, since nobody waits
        later.run(() -> alive.forEach(this::checkAgain), Duration.ZERO);
        configurations.read().network().ifPresent(leftovers::begin);
    }

    private void checkAgain(String sandboxId) {
        try {
            if (cache.find(sandboxId).isPresent()) {
                check(sandboxId);
            }
        } catch (IOException | RuntimeException e) {
            broken.put(sandboxId, String.valueOf(e.getMessage()));
        }
    }

    /** Of sandboxes that are still there: one may have gone while it was asked about. */
    private List<NetworkLimitation> brokenOnes() {
        List<NetworkLimitation> limitations = new ArrayList<>();
        broken.forEach((id, problem) -> {
            try {
                if (cache.find(id).isPresent()) {
                    limitations.add(new NetworkLimitation(
                            "the network of sandbox " + id, problem, "delete its pod, so that it is connected anew"));
                    return;
                }
            } catch (IOException e) {
                // then nobody knows of it
            }
            broken.remove(id);
        });
        return limitations;
    }

    /** Has the plugins of a list forget what nobody has; false if a plugin runs, whose end is not waited for here. */
    private boolean collectGarbage(CniNetworkList list) throws IOException, InterruptedException {
        if (!settings.collectsGarbage()) {
            return true;
        }
        // Queueing for it would hold up every ADD behind one that hangs.
        if (!changes.writeLock().tryLock()) {
            return false;
        }
        try {
            List<CniAttachment> valid = new ArrayList<>();
            for (CniCache known : List.of(cache, new CniCache(settings.neighbours()))) {
                known.all().stream()
                        .filter(entry -> entry.network().equals(list.name()))
                        .map(CniCache.Entry::attachment)
                        .forEach(valid::add);
            }
            chain(list).gc(valid);
            return true;
        } finally {
            changes.writeLock().unlock();
        }
    }

    @Override
    public void close() {
        leftovers.close();
        close.run();
    }
}
