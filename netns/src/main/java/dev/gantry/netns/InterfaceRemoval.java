package dev.gantry.netns;

import dev.gantry.linux.Errno;
import dev.gantry.linux.netlink.Links;
import dev.gantry.linux.netlink.NetlinkRequest;
import dev.gantry.linux.netlink.NetlinkSocket;
import java.io.Closeable;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;

/**
 * Deletes the host's ends of pods' interfaces, then gives their addresses back, on a thread of its own: the kernel takes
 * 10 to 40 ms for a deletion (it waits until no processor can still be using the interface), but no longer for many at
 * once. So those that come in meanwhile make one group.
 */
final class InterfaceRemoval implements Closeable {
    private static final long IDLE_SECONDS = 10;
    private static final long CLOSE_SECONDS = 10;

    private final NetworkNames names;
    private final NetlinkSocket netlink;
    private final AddressPool pool;
    private final ThreadPoolExecutor thread;
    /** Both by sandbox, guarded by this. */
    private final Set<String> waiting = new LinkedHashSet<>();

    private final Set<String> underWay = new LinkedHashSet<>();
    private final Map<String, String> failures = new LinkedHashMap<>();

    InterfaceRemoval(NetworkNames names, NetlinkSocket netlink, AddressPool pool) {
        this.names = names;
        this.netlink = netlink;
        this.pool = pool;
        this.thread =
                new ThreadPoolExecutor(1, 1, IDLE_SECONDS, TimeUnit.SECONDS, new LinkedBlockingQueue<>(), action -> {
                    Thread created = new Thread(action, "gantry-interface-removal");
                    created.setDaemon(true);
                    return created;
                });
        thread.allowCoreThreadTimeOut(true);
    }

    synchronized void begin(String sandboxId) {
        waiting.add(sandboxId);
        thread.execute(this::removeWaiting);
    }

    /** Returns when the sandbox's interface is gone and its addresses are free. */
    synchronized void await(String sandboxId) throws IOException {
        try {
            while (waiting.contains(sandboxId) || underWay.contains(sandboxId)) {
                wait();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new InterruptedIOException("interrupted while the interface of " + sandboxId + " is deleted");
        }
        String failure = failures.get(sandboxId);
        if (failure != null) {
            throw new IOException(failure);
        }
    }

    /** What could not be deleted; the next start of the agent tries again. */
    synchronized List<NetworkLimitation> failures() {
        return failures.values().stream()
                .map(failure -> new NetworkLimitation(
                        "the address of a removed pod", failure, "restart the agent, which tries again"))
                .toList();
    }

    private void removeWaiting() {
        List<String> batch;
        synchronized (this) {
            batch = List.copyOf(waiting);
            waiting.clear();
            underWay.addAll(batch);
        }
        if (!batch.isEmpty()) {
            remove(batch);
        }
    }

    private void remove(List<String> sandboxIds) {
        String failure = "";
        try {
            netlink.transact(requests(sandboxIds));
            for (String sandboxId : sandboxIds) {
                pool.release(sandboxId);
            }
        } catch (IOException | RuntimeException e) {
            failure = String.valueOf(e.getMessage());
        }
        synchronized (this) {
            for (String sandboxId : sandboxIds) {
                underWay.remove(sandboxId);
                if (failure.isEmpty()) {
                    failures.remove(sandboxId);
                } else {
                    failures.put(sandboxId, failure);
                }
            }
            notifyAll();
        }
    }

    private List<NetlinkRequest> requests(List<String> sandboxIds) {
        if (sandboxIds.size() == 1) {
            return List.of(Links.delete(names.veth(sandboxIds.get(0))).tolerating(Errno.ENODEV));
        }
        List<NetlinkRequest> requests = new ArrayList<>();
        int group = names.removalGroup();
        for (String sandboxId : sandboxIds) {
            requests.add(Links.setGroup(names.veth(sandboxId), group).tolerating(Errno.ENODEV));
        }
        requests.add(Links.deleteGroup(group).tolerating(Errno.ENODEV));
        return requests;
    }

    @Override
    public void close() {
        thread.shutdown();
        try {
            if (!thread.awaitTermination(CLOSE_SECONDS, TimeUnit.SECONDS)) {
                thread.shutdownNow();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        netlink.close();
    }
}
